"""Every screen beside the desk, by name. Imported with the first switch: the first paint does not wait for it."""

from typing import Final

from tui.screens.alerts import AlertsScreen
from tui.screens.health import HealthScreen
from tui.screens.log import LogScreen
from tui.screens.market import MarketScreen
from tui.screens.orders import OrdersScreen
from tui.screens.risk import RiskScreen
from tui.screens.strategies import StrategiesScreen
from tui.screens.surface import Surface

SCREENS: Final[dict[str, type[Surface]]] = {
    screen.NAME: screen
    for screen in (MarketScreen, OrdersScreen, RiskScreen, StrategiesScreen, AlertsScreen, LogScreen, HealthScreen)
}
