"""The runs of `dlmath train-image`: every network with every seed, here or in several processes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from dlmath.images.engine.experiment import Run, build_model, prepared, run_once
from dlmath.images.engine.training import Watch
from dlmath.images.report.outcome import outcome
from dlmath.images.report.progress import Bar, bar

if TYPE_CHECKING:
    from dlmath.frame.outcome import Outcome
    from dlmath.frame.output import Output
    from dlmath.images.engine.gradients import GradientCheck
    from dlmath.images.request import TrainingRequest
    from dlmath.images.words import Words


class SeedTask(NamedTuple):
    """One run: a network, by its place in the request, and a seed."""

    network: int
    seed: int


def run_training(request: TrainingRequest, words: Words, output: Output) -> Outcome:
    """Train all, and gather what was found."""
    checks = [check(request, place) for place in range(len(request.networks))] if words.check_gradients else None
    tasks = [SeedTask(place, seed) for seed in request.seeds for place in range(len(request.networks))]
    runs, interrupted = carry_out(request, tasks, words.jobs, output)
    if words.save is not None and runs[0]:
        from dlmath.files.atomic import write_bytes
        from dlmath.files.tensors import Tensors, tensor_bytes

        write_bytes(words.save, tensor_bytes(words.save, Tensors(runs[0][0].tensors, {})))
    return outcome(request, runs, checks, words, output, interrupted=interrupted)


def check(request: TrainingRequest, place: int) -> GradientCheck:
    """Compare the gradients of one network at its start."""
    from dlmath.images.engine.gradients import check_gradients

    plan, seed = request.plan_of(place), request.seeds[0]
    model = build_model(request.networks[place], plan, seed)
    return check_gradients(model, prepared(request.data, plan, seed).train, seed)


def carry_out(
    request: TrainingRequest, tasks: list[SeedTask], jobs: int, output: Output
) -> tuple[list[list[Run]], bool]:
    """Return the runs of each network in the order of their seeds, and whether the user broke them off.

    A network that was not reached has none.

    Raises
    ------
    KeyboardInterrupt
        When nothing was reached before.
    """
    reached: dict[SeedTask, Run] = {}
    interrupted = False
    with bar(output.streams, len(tasks), request.plan.recipe.epochs) as shown:
        try:
            if jobs > 1:
                share(request, tasks, jobs, reached, shown)
            else:
                interrupted = one_by_one(request, tasks, reached, shown)
        except KeyboardInterrupt:
            interrupted = True
    if not reached:
        raise KeyboardInterrupt
    places = range(len(request.networks))
    return [
        [reached[task] for task in tasks if task.network == place and task in reached] for place in places
    ], interrupted


def one_by_one(request: TrainingRequest, tasks: list[SeedTask], reached: dict[SeedTask, Run], shown: Bar) -> bool:
    """Carry out the tasks here; return whether one was broken off, after which no other begins."""
    for number, task in enumerate(tasks):
        watch = shown.watch(number, task.seed)
        reached[task] = carried_out(request, watch, task)
        if reached[task].stopped == "interrupted":
            return True
    return False


def share(request: TrainingRequest, tasks: list[SeedTask], jobs: int, reached: dict[SeedTask, Run], shown: Bar) -> None:
    """Carry out the tasks in several processes."""
    from dlmath.neural.parallel import share_out

    for number, run in share_out(partial(carried_out, request, Watch()), tasks, jobs):
        reached[tasks[number]] = run
        shown.finished(len(reached), run)


def carried_out(request: TrainingRequest, watch: Watch, task: SeedTask) -> Run:
    """Carry out one task."""
    data = request.data if task.seed == request.seeds[0] else request.source.data(task.seed)
    return run_once(request.networks[task.network], data, request.plan_of(task.network), task.seed, watch)
