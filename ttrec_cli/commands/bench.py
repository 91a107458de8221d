"""`ttrec bench`: how fast lookups are on this machine, against plain torch and against the machine's own ceilings."""

import typer

from ttrec_cli.commands.bench_cache import cache
from ttrec_cli.commands.bench_init import init
from ttrec_cli.commands.bench_lookup import lookup

app = typer.Typer(help="Time lookups, cache and initialisation on this machine.", no_args_is_help=True)
app.command()(lookup)
app.command()(cache)
app.command()(init)
