"""The configuration models: `hedge.toml` as frozen values that refuse what they do not know.

Zero means "off" everywhere, except `approval_over_quote = 0`, where every plan asks. `_pct` 2 means 2 %, `_bps` 30
means 0.30 %; `hedge_ratio` is a fraction. Amounts named `_quote` are QUOTE, BASE ones say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from core.addresses import fits_its_checksum, is_zero

NAME_PATTERN = re.compile(r"[a-z0-9_]{1,16}")
ADDRESS_PATTERN = re.compile(r"0x[0-9a-fA-F]{40}")
HOUR_PATTERN = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
LARGEST_ID = (1 << 256) - 1


def _number_as_text(value: object) -> object:
    """A TOML float becomes the decimal that was typed; a bool is no number."""
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return str(value) if isinstance(value, float) else value


def _no_bool(value: object) -> object:
    """pydantic would take `true` for 1."""
    if isinstance(value, bool):
        raise ValueError("must be a whole number")
    return value


def _real_address(value: str) -> str:
    if is_zero(value):
        raise ValueError(f"{value} is the zero address, which nobody owns and no contract has")
    if not fits_its_checksum(value):
        raise ValueError(
            f"{value} is mistyped: its capital letters do not fit the rest (EIP-55); copy it again, "
            "or write it in small letters if you are sure of it"
        )
    return value


def _possible_id(value: int) -> int:
    if value > LARGEST_ID:
        raise ValueError("no position has so large an id: it is the NFT's number")
    return value


def _hour_or_off(value: str) -> str:
    if value != "off" and not HOUR_PATTERN.fullmatch(value):
        raise ValueError('must be an hour of the day such as "08:00", or "off"')
    return value


NoBool = BeforeValidator(_no_bool)
Number = Annotated[Decimal, BeforeValidator(_number_as_text), Field(allow_inf_nan=False)]
NotNegative = Annotated[Number, Field(ge=0)]
Positive = Annotated[Number, Field(gt=0)]
Address = Annotated[str, Field(pattern=f"^{ADDRESS_PATTERN.pattern}$"), AfterValidator(_real_address)]
PositionId = Annotated[int, NoBool, Field(ge=1), AfterValidator(_possible_id)]
KNOWN_AMMS = ("uniswap_v3", "pancakeswap_v3")
# Any other is a fork whose position manager the chain's block names.
AMM_PATTERN = r"^[a-z0-9_]{1,32}$"
AmmType = Annotated[str, Field(pattern=AMM_PATTERN)]
Seconds = Annotated[int, NoBool, Field(ge=0, le=31_536_000)]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class PaperConfig(Frozen):
    balance_quote: Positive = Decimal(10000)
    taker_bps: NotNegative = Decimal(5)
    maker_bps: NotNegative = Decimal(2)
    leverage: Annotated[int, NoBool, Field(ge=1, le=125)] = 5


class ChainConfig(Frozen):
    """Overrides of a preset, or a whole chain of one's own. None: the preset's value."""

    chain_id: Annotated[int, NoBool, Field(gt=0)] | None = None
    wrapped_native: Address | None = None
    multicall: Address | None = None
    stables: tuple[Address, ...] | None = None
    position_managers: Mapping[str, Address] | None = None
    farms: Mapping[str, Address] | None = None


Loudness = Literal["loud", "silent", "off"]


class AlertsConfig(Frozen):
    """`[alerts]`: how loud each kind is told, when what the account is measured by becomes an alert, and the pace.

    What lasts and is loud is repeated every `repeat_seconds`; every `silent_repeat_seconds` what is silent, and funding
    and out_of_range, which can wait.
    `funding_pct_per_day`: what a short pays, in % of its notional. `daily_loss_quote`: since the operator's midnight.
    """

    breach: Loudness = "loud"
    suspended: Loudness = "loud"
    blind: Loudness = "loud"
    mismatch: Loudness = "loud"
    foreign: Loudness = "loud"
    rejected: Loudness = "loud"
    margin: Loudness = "loud"
    daily_loss: Loudness = "loud"
    basis: Loudness = "loud"
    positions: Loudness = "loud"
    funding: Loudness = "loud"
    out_of_range: Loudness = "loud"
    lp: Loudness = "silent"
    executed: Loudness = "silent"
    repeat_seconds: Seconds = 3600
    silent_repeat_seconds: Seconds = 86400
    liquidation_distance_pct: Annotated[Number, Field(ge=0, le=100)] = Decimal(10)
    margin_ratio_pct: Annotated[Number, Field(ge=0, lt=100)] = Decimal(50)
    funding_pct_per_day: NotNegative = Decimal("0.1")
    daily_loss_quote: NotNegative = Decimal(0)


class HedgeConfig(Frozen):
    """One `[hedges.NAME]`; defaults: docs/settings.md. None means unset."""

    chain: str
    amm_type: AmmType
    lp_position_ids: tuple[PositionId, ...] | Literal["all"]
    pool_id: Address | None = None
    wallet: Address | None = None
    base: str | None = None
    exchange: Literal["binance"] = "binance"
    symbol: str

    enabled: bool = True
    poll_seconds: Annotated[Number, Field(ge=Decimal("0.2"), le=3600)] = Decimal(15)
    hedge_threshold: NotNegative | None = None
    delta_band_quote: NotNegative | None = None
    delta_band_pct: Annotated[Number, Field(ge=0, le=100)] | None = None
    delta_hysteresis_quote: NotNegative | None = None
    hedge_ratio: Annotated[Number, Field(gt=0, le=1)] = Decimal(1)
    include_fees: bool = True
    include_wallet_base: bool = False
    price_type: Literal["mid", "best_bid", "best_ask", "mark"] = "mid"
    force_rebalance_seconds: Seconds = 0
    out_of_range_seconds: Seconds = 300
    cooldown_seconds: Seconds = 30
    max_per_hour: Annotated[int, NoBool, Field(ge=0, le=3600)] = 30
    urgent_band_multiple: NotNegative = Decimal(3)
    min_notional_quote: NotNegative = Decimal(10)
    min_available_balance_quote: NotNegative = Decimal(0)
    min_liquidation_distance_pct: NotNegative = Decimal(15)
    deleverage_below_pct: NotNegative = Decimal(5)
    leverage: Literal["keep"] | Annotated[int, NoBool, Field(ge=1, le=125)] = "keep"
    margin_type: Literal["keep", "cross", "isolated"] = "keep"
    order_type: Literal["market", "limit", "post_only"] = "market"
    limit_timeout_seconds: Seconds = 20
    fallback: Literal["market", "none"] = "market"
    max_slippage_bps: Annotated[Number, Field(ge=0, le=5000)] = Decimal(30)
    urgent_slippage_bps: Annotated[Number, Field(ge=0, le=5000)] = Decimal(150)
    max_retries: Annotated[int, NoBool, Field(ge=0, le=20)] = 3
    max_hedge_notional: NotNegative = Decimal(0)
    max_order_size: NotNegative = Decimal(0)
    max_order_quote: NotNegative = Decimal(0)
    max_position_notional: NotNegative | None = None
    twap_over_quote: NotNegative = Decimal(25000)
    twap_duration_seconds: Seconds = 60
    twap_interval_seconds: Annotated[int, NoBool, Field(ge=1, le=3600)] = 5
    rebalance_to: Literal["target", "edge"] = "target"
    close_on_disable: bool = False
    close_when_no_lp: bool = True
    no_lp_grace_seconds: Seconds = 300
    max_chain_age_seconds: Annotated[int, NoBool, Field(ge=1, le=86400)] = 30
    max_price_age_seconds: Annotated[int, NoBool, Field(ge=1, le=3600)] = 10
    max_basis_bps: NotNegative = Decimal(100)
    max_jump_pct: NotNegative = Decimal(50)
    on_chain_blind: Literal["hold", "estimate"] = "hold"
    adopt_external: Literal["ask", "auto"] = "ask"
    approval_over_quote: Literal["off"] | NotNegative | None = None
    approval_timeout_seconds: Annotated[int, NoBool, Field(ge=10, le=86400)] = 300
    approval_on_timeout: Literal["hold", "partial"] = "hold"
    reject_snooze_seconds: Seconds = 900
    alert_over_quote: NotNegative | None = None

    @field_validator("symbol")
    @classmethod
    def _plain_symbol(cls, value: str) -> str:
        """As the exchange writes it: `eth/usdt` is ETHUSDT."""
        return value.upper().removesuffix("_PERP").partition(":")[0].replace("/", "").replace("-", "")

    @model_validator(mode="after")
    def _wallet_where_needed(self) -> HedgeConfig:
        if self.lp_position_ids == "all" and self.taken_whole is None:
            raise ValueError('lp_position_ids = "all" needs wallet and pool_id')
        if self.include_wallet_base and self.wallet is None:
            raise ValueError("include_wallet_base = true needs wallet")
        return self

    @model_validator(mode="after")
    def _positions_named_once(self) -> HedgeConfig:
        if self.lp_position_ids == "all":
            return self
        if not self.named_ids or len(set(self.named_ids)) != len(self.named_ids):
            raise ValueError("lp_position_ids must name each position once, and at least one")
        return self

    @model_validator(mode="after")
    def _some_band(self) -> HedgeConfig:
        if not self.bands_configured:
            raise ValueError("all bands are off: set hedge_threshold, delta_band_quote or delta_band_pct above 0")
        return self

    @property
    def named_ids(self) -> tuple[int, ...]:
        """The ids written down; none with "all"."""
        return () if self.lp_position_ids == "all" else self.lp_position_ids

    @property
    def taken_whole(self) -> tuple[str, str] | None:
        """The wallet and pool of which every position is this hedge's, in small letters; None where it names them."""
        if self.lp_position_ids != "all" or self.wallet is None or self.pool_id is None:
            return None
        return self.wallet.lower(), self.pool_id.lower()

    @property
    def threshold_base(self) -> Decimal:
        """`hedge_threshold` in BASE, 0 when it is unset."""
        return self.hedge_threshold or Decimal(0)

    @property
    def band_quote(self) -> Decimal:
        """`delta_band_quote` in force: its default 50 vanishes when only `hedge_threshold` is set."""
        return self._band(self.delta_band_quote, Decimal(50))

    @property
    def band_pct(self) -> Decimal:
        """`delta_band_pct` in force, % of the LP's value: its default 2 vanishes as that of `band_quote` does."""
        return self._band(self.delta_band_pct, Decimal(2))

    def band_at(self, price: Decimal, lp_value_quote: Decimal) -> Decimal:
        """The largest band in force, QUOTE."""
        return max(self.threshold_base * price, self.band_quote, self.band_pct * lp_value_quote / 100)

    def hysteresis_in(self, band_quote: Decimal) -> Decimal:
        """Where a trade ends, in QUOTE from the target: half the band by default, never more than the band."""
        if self.rebalance_to == "target":
            return Decimal(0)
        return band_quote / 2 if self.delta_hysteresis_quote is None else min(self.delta_hysteresis_quote, band_quote)

    @property
    def bands_configured(self) -> bool:
        """Whether at least one of the three is above 0; a configuration without any is refused."""
        return any((self.threshold_base, self.band_quote, self.band_pct))

    def slippage_limit_bps(self, *, urgent: bool) -> Decimal:
        """0: any price."""
        return self.urgent_slippage_bps if urgent else self.max_slippage_bps

    def _band(self, value: Decimal | None, default: Decimal) -> Decimal:
        if value is not None:
            return value
        only_threshold = bool(self.hedge_threshold) and self.delta_band_quote is None and self.delta_band_pct is None
        return Decimal(0) if only_threshold else default


class Config(Frozen):
    """The whole of `hedge.toml`."""

    mode: Literal["paper", "live"] = "paper"
    timezone: str = "UTC"
    daily_report_at: Annotated[str, AfterValidator(_hour_or_off)] = "08:00"
    paper: PaperConfig = PaperConfig()
    chains: Mapping[str, ChainConfig] = Field(default_factory=dict)
    hedges: Mapping[str, HedgeConfig]
    alerts: AlertsConfig = AlertsConfig()

    @model_validator(mode="before")
    @classmethod
    def _named_hedges(cls, data: Any) -> Any:
        hedges = data.get("hedges") if isinstance(data, dict) else None
        if not isinstance(hedges, Mapping) or not hedges:
            raise ValueError("no [hedges.NAME] block: at least one hedge is needed")
        for name in hedges:
            if not NAME_PATTERN.fullmatch(name):
                raise ValueError(f"hedge name {name!r}: use 1 to 16 of a-z, 0-9 and _")
        return data

    def beside(self, name: str) -> tuple[str, ...]:
        """The other hedges whose positions are kept by the same contracts."""
        this = self.hedges[name]
        place = (this.chain, this.amm_type)
        return tuple(
            other for other, hedge in self.hedges.items() if other != name and (hedge.chain, hedge.amm_type) == place
        )

    def ids_named_beside(self, name: str) -> frozenset[int]:
        """Positions that are another hedge's, also where "all" of this one would find them."""
        return frozenset(position_id for other in self.beside(name) for position_id in self.hedges[other].named_ids)

    @model_validator(mode="after")
    def _known_amm(self) -> Config:
        for name, hedge in self.hedges.items():
            if hedge.amm_type not in (*KNOWN_AMMS, *self._forks_of(hedge.chain)):
                known = " or ".join(f'"{each}"' for each in KNOWN_AMMS)
                raise ValueError(
                    f'hedges.{name}.amm_type = "{hedge.amm_type}" is not known: use {known}, or name the position '
                    f"manager of a fork in position_managers of [chains.{hedge.chain}]"
                )
        return self

    def _forks_of(self, chain: str) -> Iterable[str]:
        """Those whose position managers the file names."""
        named = self.chains.get(chain)
        return (named and named.position_managers) or ()

    @model_validator(mode="after")
    def _limited_when_live(self) -> Config:
        for name, hedge in self.hedges.items():
            if self.mode == "live" and not hedge.max_position_notional:
                raise ValueError(f"hedges.{name}.max_position_notional is required in live mode: verify small first")
        return self

    @model_validator(mode="after")
    def _nothing_shared(self) -> Config:
        _each_once(
            (name, hedge.symbol, f"the symbol {hedge.symbol} of one account") for name, hedge in self.hedges.items()
        )
        _each_once(
            (name, (hedge.chain, hedge.amm_type, position_id), f"position {position_id}")
            for name, hedge in self.hedges.items()
            for position_id in hedge.named_ids
        )
        _each_once(
            (name, (hedge.chain, hedge.amm_type, *hedge.taken_whole), "all of one wallet and pool")
            for name, hedge in self.hedges.items()
            if hedge.taken_whole is not None
        )
        return self


def _each_once(claims: Iterable[tuple[str, object, str]]) -> None:
    """Claims of (hedge, what, what in words). Raises ValueError for what two hedges claim."""
    claimed: dict[object, str] = {}
    for name, what, words in claims:
        if (other := claimed.setdefault(what, name)) != name:
            raise ValueError(f"hedges {other} and {name} share {words}")
