"""A pretend AlfaCRM over real HTTP, with its traps, and with faults on request."""

from coinsync.simulator.protocol import Options
from coinsync.simulator.school import School
from coinsync.simulator.server import Simulator

__all__ = ["Options", "School", "Simulator"]
