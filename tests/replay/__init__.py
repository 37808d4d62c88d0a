"""Replay, calibration and theory."""
