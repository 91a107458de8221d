"""What a user can cause and how the command ends: each error knows its exit code.

TTRecError                    (ttrec_kernels) exit 2
 ├── ConfigError              a sweep file, an option or an input file broke a rule: exit 2
 ├── DataError                a click log or a prepared dataset is not what it should be: exit 2
 └── NothingToReportError     no finished trial below the folder: exit 4
"""

from enum import IntEnum

from ttrec_kernels.errors import TTRecError as TTRecError


class ExitCode(IntEnum):
    """Exit codes of every `ttrec` command."""

    DONE = 0
    BUG = 1
    USAGE = 2
    SOME_TRIALS_FAILED = 3
    NOTHING_TO_REPORT = 4
    INTERRUPTED = 130


class ConfigError(TTRecError):
    """A sweep file or an option broke a rule; the message starts with `file:line:column:` where there is one."""


class DataError(TTRecError):
    """A click log or a prepared dataset is not what it should be; the message names file and line."""


class NothingToReportError(TTRecError):
    """There is no finished trial to report on."""


def exit_code(error: TTRecError) -> ExitCode:
    """Exit code of a command that ends with `error`."""
    return ExitCode.NOTHING_TO_REPORT if isinstance(error, NothingToReportError) else ExitCode.USAGE
