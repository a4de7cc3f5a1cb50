"""The one command `mockpanel`: every command, environment variables, completion."""

import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from conformance.mockpanel.cli import COMMANDS, main


def invoke(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, arguments, env=environment, prog_name="mockpanel")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there(name: str) -> None:
    """Each command of the table can be imported and shows its help with -h."""
    result = invoke(name, "-h")
    assert (result.exit_code, result.output.split("\n")[0].split(" [")[0]) == (
        0,
        f"Usage: mockpanel {name}",
    )


def test_every_command_of_the_packages_is_listed() -> None:
    """No command of the three packages is missing."""
    from conformance.cli import main as conformance
    from mock_mixpanel.cli import main as mock
    from translator.cli import main as translator

    packages = (translator, mock, conformance)
    names = {name for each in packages for name in each.list_commands(click.Context(each))}
    assert {*COMMANDS} >= names


def test_help_imports_no_package() -> None:
    """The list of commands is shown without importing the translator or the mock."""
    code = (
        "import sys; from click.testing import CliRunner;"
        "from conformance.mockpanel.cli import main;"
        "CliRunner().invoke(main, ['-h']);"
        "print([name for name in ('translator', 'mock_mixpanel') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"


def test_unknown_command_suggests_the_nearest() -> None:
    """A mistyped command is refused with the nearest name."""
    result = invoke("servee")
    assert (result.exit_code, result.output.splitlines()[-1]) == (
        2,
        "Error: No such command 'servee'. Did you mean 'serve'?",
    )


def count(result: Result) -> str:
    return result.stdout.splitlines()[-1]


def test_option_from_the_environment() -> None:
    """An option is read from MOCKPANEL_<OPTION>."""
    expected = count(invoke("list", "--tag", "reset"))
    assert count(invoke("list", MOCKPANEL_TAG="reset")) == expected
    assert expected != count(invoke("list"))


def test_longer_name_is_stronger() -> None:
    """MOCKPANEL_<COMMAND>_<OPTION> is stronger than MOCKPANEL_<OPTION>."""
    found = invoke("list", MOCKPANEL_LIST_TAG="reset", MOCKPANEL_TAG="alias")
    assert count(found) == count(invoke("list", "--tag", "reset"))


def test_command_line_is_stronger() -> None:
    """An option on the command line is stronger than its environment variable."""
    found = invoke("list", "--tag", "reset", MOCKPANEL_LIST_TAG="alias")
    assert count(found) == count(invoke("list", "--tag", "reset"))


def test_required_option_from_the_environment(tmp_path: Path) -> None:
    """A required option can come from the environment."""
    settings = tmp_path / "settings.json"
    settings.write_text('{"token": "T"}')
    messages = tmp_path / "messages.jsonl"
    messages.write_text('{"type": "alias", "messageId": "m", "userId": "u", "previousId": "p"}\n')
    result = invoke("translate", str(messages), MOCKPANEL_SETTINGS=str(settings))
    assert (result.exit_code, result.stdout.count("$create_alias")) == (0, 1)


def test_nested_commands_read_the_environment() -> None:
    """A command of a group has the group's name in its variable."""
    made = invoke("corpus", "synth", MOCKPANEL_CORPUS_SYNTH_MESSAGES="3")
    assert (made.exit_code, len(made.stdout.splitlines())) == (0, 3)


def test_packages_own_commands_read_no_environment() -> None:
    """The commands of the three scripts stay as they are: the variables are added to copies."""
    from conformance.cli import main as conformance

    invoke("list", "-h")
    command = conformance.lazy["list"].load()
    assert {each.envvar for each in command.params if isinstance(each, click.Option)} == {None}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script(shell: str) -> None:
    """The completion script of each shell calls the command back."""
    result = invoke("completion", shell)
    assert (result.exit_code, "_MOCKPANEL_COMPLETE" in result.stdout) == (0, True)


def test_completion_of_commands() -> None:
    """The names of commands are completed."""
    environment = {
        "_MOCKPANEL_COMPLETE": "bash_complete",
        "COMP_WORDS": "mockpanel tran",
        "COMP_CWORD": "1",
    }
    result = CliRunner().invoke(main, env=environment, prog_name="mockpanel")
    assert result.stdout == "plain,translate\n"


def test_version() -> None:
    """`--version` names the distribution."""
    assert invoke("--version").stdout.startswith("mockpanel, version ")


@pytest.mark.parametrize("stream", ["<&-", ">&-", "2>&-"])
def test_a_closed_standard_stream(stream: str, tmp_path: Path) -> None:
    """A process without a standard stream ends without a traceback; no input is empty input."""
    (tmp_path / "settings.json").write_text('{"token": "T"}')
    code = "from conformance.mockpanel.cli import main; main()"
    words = [sys.executable, "-c", code, "translate", "--settings", "settings.json"]
    done = subprocess.run(
        ["sh", "-c", f"{shlex.join(words)} {stream}"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
