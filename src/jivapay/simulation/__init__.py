"""The people of `jivapay demo`: shops, customers, traders and staff, who know the platform only by HTTP."""

from jivapay.simulation.cast import Cast, Person, Store
from jivapay.simulation.report import Report
from jivapay.simulation.traffic import Snapshot, Traffic

__all__ = ["Cast", "Person", "Report", "Snapshot", "Store", "Traffic"]
