"""Every kernel, executed on the host, keeps the contract of all backends."""

import pytest

from contracts.tables_contract import TablesContract
from cuda_emulator.adapter import CudaBackend
from cuda_emulator.emulator import Emulator


class TestDeterministic(TablesContract):
    @pytest.fixture(autouse=True)
    def _emulate(self, build_folder):
        self.backend = CudaBackend(Emulator(build_folder))
