"""`ttrec bench`: how fast lookups and training steps are here, against plain torch and the machine's own ceilings."""

import typer

from ttrec_cli.commands.bench_cache import cache
from ttrec_cli.commands.bench_init import init
from ttrec_cli.commands.bench_lookup import lookup
from ttrec_cli.commands.bench_step import step

app = typer.Typer(help="Time lookups, cache, training steps and initialisation on this machine.", no_args_is_help=True)
app.command()(lookup)
app.command()(cache)
app.command()(step)
app.command()(init)
