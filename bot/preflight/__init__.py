"""`lp-hedge check`: everything that can be known to be wrong before it costs something."""

from bot.preflight.examination import examine
from bot.preflight.findings import Examination, Finding, Verdict, report_json, report_text

__all__ = ["Examination", "Finding", "Verdict", "examine", "report_json", "report_text"]
