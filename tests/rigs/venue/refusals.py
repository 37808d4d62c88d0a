"""The exchange's refusals: HTTP status, code and text, as the error page and live sightings give them."""

from dataclasses import dataclass

TEXTS: dict[int, tuple[int, str]] = {
    -1003: (429, "Too many requests; current limit is 2400 requests per minute."),
    -1015: (429, "Too many new orders; current limit is 300 orders per 10 SECOND."),
    -1021: (400, "Timestamp for this request is outside of the recvWindow."),
    -1022: (400, "Signature for this request is not valid."),
    -1115: (400, "Invalid timeInForce."),
    -1116: (400, "Invalid orderType."),
    -1117: (400, "Invalid side."),
    -1121: (400, "Invalid symbol."),
    -1125: (400, "This listenKey does not exist. Please use `POST /fapi/v1/listenKey` to recreate `listenKey`"),
    -1131: (400, "recvWindow must be less than 60000."),
    -1111: (400, "Precision is over the maximum defined for this asset."),
    -2011: (400, "Unknown order sent."),
    -2013: (400, "Order does not exist."),
    -2014: (401, "API-key format invalid."),
    -2015: (401, "Invalid API-key, IP, or permissions for action."),
    -2019: (400, "Margin is insufficient."),
    -2022: (400, "ReduceOnly Order is rejected."),
    -2027: (400, "Exceeded the maximum allowable position at current leverage."),
    -4003: (400, "Quantity less than zero."),
    -4004: (400, "Quantity less than min quantity."),
    -4005: (400, "Quantity greater than max quantity."),
    -4013: (400, "Price less than min price."),
    -4014: (400, "Price not increased by tick size."),
    -4015: (400, "Client order id is not valid."),
    -4016: (400, "Price is higher than mark price multiplier cap."),
    -4023: (400, "Qty not increased by step size."),
    -4024: (400, "Price is lower than mark price multiplier floor."),
    -4028: (400, "Leverage is not valid"),
    -4046: (400, "No need to change margin type."),
    -4047: (400, "Margin type cannot be changed if there exists open orders."),
    -4048: (400, "Margin type cannot be changed if there exists position."),
    -4059: (400, "No need to change position side."),
    -4061: (400, "Order's position side does not match user's setting."),
    -4067: (400, "Position side cannot be changed if there exists open orders."),
    -4068: (400, "Position side cannot be changed if there exists position."),
    -4087: (400, "User can only place reduce only order"),
    -4116: (400, "ClientOrderId is duplicated."),
    -4120: (400, "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."),
    -4131: (400, "The counterparty's best price does not meet the PERCENT_PRICE filter limit"),
    -4168: (400, "Unable to adjust to isolated-margin mode under the Multi-Assets mode."),
    -5021: (400, "Due to the order could not be filled immediately, the FOK order has been rejected."),
    -5022: (
        400,
        (
            "Due to the order could not be executed as maker, the Post Only order will be rejected. "
            "The order will not be recorded in the order history"
        ),
    ),
}


@dataclass
class Refusal(Exception):
    """One refused request; nothing has been changed."""

    status: int
    code: int
    text: str

    def body(self) -> dict[str, object]:
        return {"code": self.code, "msg": self.text}


def refuse(code: int) -> Refusal:
    status, text = TEXTS[code]
    return Refusal(status, code, text)


def missing(parameter: str) -> Refusal:
    return Refusal(400, -1102, f"Mandatory parameter '{parameter}' was not sent, was empty/null, or malformed.")


def unwanted(parameter: str) -> Refusal:
    return Refusal(400, -1106, f"Parameter '{parameter}' sent when not required.")


def illegal(parameter: str, legal: str) -> Refusal:
    return Refusal(400, -1100, f"Illegal characters found in parameter '{parameter}'; legal range is '{legal}'.")


def unread(read: int, sent: int) -> Refusal:
    return Refusal(400, -1104, f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.")


def too_small(min_notional: str) -> Refusal:
    text = f"Order's notional must be no smaller than {min_notional} (unless you choose reduce only)"
    return Refusal(400, -4164, text)
