"""maturin, for this machine (as .cargo/config.toml has it) or, with EQHDL_PORTABLE=1, for any x86-64-v3."""

import os

from maturin import *  # noqa: F403  (the hooks of a build backend)

if os.environ.get("EQHDL_PORTABLE") == "1":
    # Takes the place of the flags in .cargo/config.toml.
    os.environ["RUSTFLAGS"] = "-C target-cpu=x86-64-v3"
