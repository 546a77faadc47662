"""How taxa of few rows are weighed against those of many. Light of imports: requests name it too."""

from typing import Any, Literal

Balance = Literal["none", "inverse_root", "effective_number"]


def todays_balance(value: Any) -> Any:
    """The balance by its name, from settings of any release, which had spaces in it first."""
    return value.replace(" ", "_") if isinstance(value, str) else value
