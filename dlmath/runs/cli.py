"""`dlmath run`: its words. What they do is in `dlmath.runs.command`."""

from typing import TYPE_CHECKING, Annotated

import typer

from dlmath.frame.app import app
from dlmath.frame.options import JOBS, subcommand

if TYPE_CHECKING:
    from dlmath.frame.outcome import Outcome
    from dlmath.frame.output import Output


@subcommand(app, "run")
def run(
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE|FOLDER", help="Experiment files, or folders of them (.yaml).", show_default=False),
    ] = None,
    *,
    jobs: JOBS = 1,
    results: Annotated[
        str | None,
        typer.Option(
            "--results",
            metavar="FOLDER",
            help="Where results are kept, and found again; none: nowhere.  [default: results]",
        ),
    ] = None,
    override: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Instead of what the files say: epochs=100; a list is swept: hidden=[2,4].",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Run every cell again, known or not.")] = False,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first cell that fails or expectation that does not hold.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan, and run nothing.")] = False,
    replay: Annotated[
        str | None,
        typer.Option(
            "--replay",
            metavar="RESULTS:ID",
            help="Repeat one cell from its record (results/NAME.jsonl:ID) and compare.",
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", metavar="ADDRESS", help="Send cells to a Dask cluster: tcp://host:8786."),
    ] = None,
    parquet: Annotated[bool, typer.Option("--parquet", help="Write results as Parquet too.")] = False,
    claims: Annotated[
        str | None,
        typer.Option(
            "--claims",
            metavar="FILE",
            help="Write the table of claims into a Markdown file, between <!-- claims --> and <!-- /claims -->.",
        ),
    ] = None,
    output: "Output",
) -> "Outcome":
    """Run experiment files: what to run, over what to sweep, and what must come out.

    Exit status 0 when every expectation holds, 1 when one does not, 2 when a cell could not be carried out. Finished
    cells are kept: a run that was interrupted goes on where it was.
    """
    options = dict(locals())
    del options["output"]
    options["set"] = options.pop("override")
    from dlmath.runs.command import Words, run

    return run(Words(**options), output)
