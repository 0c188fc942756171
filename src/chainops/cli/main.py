"""Entry point of `chainops`: imports only the command that was asked for, so that help is instant."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import typer

from chainops.core.errors import ChainopsError, ExitCode, InputError
from chainops.core.streams import show

#: name → (module below `chainops.cli`, help)
COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("run", "Run the pipeline: ten stages from checkout to production."),
    "init": ("init", "Write a commented chainops.yaml from what the project is."),
    "config": ("config", "Check the configuration."),
    "schema": ("schema", "Print the JSON Schema of the configuration or of result.json."),
    "tools": ("tools", "Install, list and verify the pinned tools."),
    "doctor": ("doctor", "Say what is missing on this machine."),
    "runs": ("runs", "List, show, follow and steer runs, from any terminal."),
    "approve": ("approve", "Agree to what a stage of a run waits for."),
    "report": ("report", "Write a run's report again, in any of its formats."),
    "artifacts": ("artifacts", "List, fetch and verify what a run produced."),
    "cache": ("cache", "Show what the cache of stages holds, and make it smaller."),
    "baseline": ("baseline", "Accept gas, sizes and findings of a run for later comparison."),
}


def run() -> None:
    """Run the command line and exit with one of `core.errors.ExitCode`."""
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    if debug:
        arguments.remove("--debug")
    try:
        app = build_app(arguments)
        for sign in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sign, signal.default_int_handler)
        sys.exit(app(args=arguments, prog_name="chainops", standalone_mode=False) or ExitCode.SUCCESS)
    except ChainopsError as error:
        if debug:
            raise
        sys.exit(_report(error, as_json="--json" in arguments))
    except typer.TyperException as error:
        sys.exit(_report_usage(error.format_message(), arguments))
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(ExitCode.CANCELLED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(ExitCode.MACHINE)
    except Exception as error:
        if debug:
            raise
        name = type(error).__name__
        show(sys.stderr, f"chainops itself failed: {name}: {error} [GEN999]\n  hint: --debug shows where\n")
        sys.exit(ExitCode.MACHINE)


def build_app(arguments: list[str]) -> typer.Typer:
    """Return the command tree; only the command that `arguments` name is imported."""
    chosen = next((a for a in arguments if not a.startswith("-")), "")
    app = typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        help="Takes smart contracts from a Git commit to a watched, reversible release.",
        epilog="Exit codes: 0 success, 1 a stage or gate failed, 2 bad usage or config, "
        "3 a tool or the machine failed, 4 waiting for approval, 130 cancelled. "
        "--debug shows a traceback.",
    )
    app.callback(invoke_without_command=True)(_root)
    for name, (module, text) in COMMANDS.items():
        if name == chosen:
            _add(app, name, import_module(f"chainops.cli.{module}"), text)
        else:
            app.command(name, help=text)(_not_imported)
    return app


def _root(version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    if version:
        from chainops.core.version import __version__

        sys.stdout.write(f"chainops {__version__}\n")
        raise typer.Exit


def _not_imported() -> None:
    raise RuntimeError("only the chosen command is imported")


def _add(app: typer.Typer, name: str, module: Any, text: str) -> None:
    command: Callable[..., None] | None = getattr(module, "command", None)
    if command is None and len(module.app.registered_commands) == 1 and not module.app.registered_groups:
        command = module.app.registered_commands[0].callback
    if command is None:
        app.add_typer(module.app, name=name, help=text)
    else:
        app.command(name, help=command.__doc__ or text)(command)


def _report_usage(message: str, arguments: list[str]) -> int:
    """Tell a mistake on the command line as any other; the help that typer shows unasked is none."""
    if message.startswith("Usage:"):
        sys.stderr.write(message + "\n")
        return ExitCode.USAGE
    known = next((a for a in arguments if a in COMMANDS), "")
    hint = f"`{' '.join(filter(None, ('chainops', known, '--help')))}` shows what there is"
    return _report(InputError(message, hint=hint, code="GEN102"), as_json="--json" in arguments)


def _report(error: ChainopsError, *, as_json: bool) -> int:
    if as_json:
        from chainops.cli.output import emit
        from chainops.core.errors import InputErrors

        errors = error.errors if isinstance(error, InputErrors) else (error,)
        rows = [
            {"code": e.code, "message": e.message, "hint": e.hint, "place": str(e.place or "")}
            for e in errors
        ]
        emit({"errors": rows, "exit_code": int(error.exit_code)}, "", as_json=True)
    show(sys.stderr, f"{error}\n")
    return int(error.exit_code)
