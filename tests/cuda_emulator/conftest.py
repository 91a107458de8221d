"""Where emulated kernels are built: kept between runs."""

from pathlib import Path

import pytest
from cuda_emulator.emulator import require_compiler


@pytest.fixture(scope="session")
def build_folder(request: pytest.FixtureRequest) -> Path:
    require_compiler()
    return Path(request.config.cache.mkdir("cuda_emulator"))
