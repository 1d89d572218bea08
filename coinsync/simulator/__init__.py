"""A pretend AlfaCRM: an imaginary school over real HTTP, with its traps, and with faults on request."""

from coinsync.simulator.faults import Fault, Faults
from coinsync.simulator.options import Options
from coinsync.simulator.school import School
from coinsync.simulator.server import Seen, Simulator

__all__ = ["Fault", "Faults", "Options", "School", "Seen", "Simulator"]
