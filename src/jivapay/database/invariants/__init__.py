"""What must be true of every committed state, as sentences with queries that give no row (reliability 2).

`services/invariant_service.py` runs them: every few minutes over what changed, once a day and in `jivapay check`
over everything. Those of the money kind freeze money (decision 21).
"""

from jivapay.database.invariants.deals import DEALS
from jivapay.database.invariants.flow import FLOW
from jivapay.database.invariants.history import HISTORY
from jivapay.database.invariants.inbox import INBOX
from jivapay.database.invariants.ledger import LEDGER
from jivapay.database.invariants.limits import LIMITS
from jivapay.database.invariants.model import Invariant
from jivapay.database.invariants.persons import PERSONS
from jivapay.database.invariants.requests import REQUESTS
from jivapay.database.invariants.treasury import TREASURY

INVARIANTS = (*LEDGER, *DEALS, *INBOX, *LIMITS, *HISTORY, *FLOW, *PERSONS, *TREASURY, *REQUESTS)

__all__ = ["INVARIANTS", "Invariant"]
