"""What every installation has from its first start, and the world of `jivapay demo` (issue 2, section 1; ENT-18).

Above the use cases: it calls them as the people would whose work it spares.
"""

from jivapay.services.seed_service.demo import DemoPerson, DemoStore, DemoWorld, Pace, seed_demo_world
from jivapay.services.seed_service.reference import Seeded, seed, seed_reference_data

__all__ = [
    "DemoPerson",
    "DemoStore",
    "DemoWorld",
    "Pace",
    "Seeded",
    "seed",
    "seed_demo_world",
    "seed_reference_data",
]
