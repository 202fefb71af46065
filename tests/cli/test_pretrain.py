"""`frontdesk pretrain` adapts a backbone to messages, and `frontdesk train` takes it from there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli.app import app
from bot.nlu.registry import plan_pipeline
from bot.training_data.project import Project
from language.backbone import content_key
from tests.language.tiny_backbone import write_tiny_backbone

CONFIG = """\
language: en
assistant_id: tiny
pipeline:
- name: BertUnderstanding   # on a tiny backbone
  backbone: tiny
policies:
- name: RulePolicy
"""
MESSAGES = [
    f"the {thing} is {state}" for thing in ("lamp", "box", "fan", "desk", "clock") for state in
    ("new", "old", "here", "lost", "red")
]  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Write a project on a tiny backbone, and messages beside it."""
    root = tmp_path / "shop"
    root.mkdir()
    write_tiny_backbone(root / "tiny")
    (root / "config.yml").write_text(CONFIG, encoding="utf-8")
    (root / "domain.yml").write_text("intents: [greet]\n", encoding="utf-8")
    rows = "\n".join(f"{number},{text} 灯" for number, text in enumerate(MESSAGES))
    (tmp_path / "messages.csv").write_text(f"id,text\n{rows}\n", encoding="utf-8")
    return root


def _run(project: Path, *arguments: str) -> tuple[int, str]:
    corpus = str(project.parent / "messages.csv")
    result = CliRunner().invoke(app, ["pretrain", "--project", str(project), "--corpus", corpus, *arguments])
    return result.exit_code, " ".join(result.output.split())


def test_the_adapted_backbone_is_used_by_the_next_training(project: Path) -> None:
    """The folder is whole, tells its losses, has a picture, and `--use` lets the pipeline name it."""
    code, said = _run(project, "--epochs", "1", "--use")
    assert code == 0, said
    folder = project / "backbones" / "messages"
    assert content_key(folder) != content_key(project / "tiny")
    facts = json.loads((folder / "pretraining.json").read_text("utf-8"))
    assert (facts["texts"], facts["held_out"], facts["corpus"]) == (25, 2, "messages.csv")
    assert f"{facts['loss_before']:.3f} to {facts['loss_after']:.3f}" in said
    assert facts["new_characters"] == ["灯"]
    assert (folder / "pretraining.png").read_bytes()[:4] == b"\x89PNG"
    config = (project / "config.yml").read_text("utf-8")
    assert config == CONFIG.replace("backbone: tiny", "backbone: backbones/messages")
    plan = plan_pipeline(Project.load(project).config.pipeline)
    assert Path(plan.understanding.backbone) == folder


def test_without_a_wish_the_configuration_stays(project: Path) -> None:
    """The lines to write are printed, and a second run does not touch what the first one made."""
    code, said = _run(project, "--epochs", "1", "--out", str(project / "mine"))
    assert code == 0, said
    assert "- name: BertUnderstanding backbone: mine" in said
    assert (project / "config.yml").read_text("utf-8") == CONFIG
    before = (project / "mine" / "pretraining.json").stat().st_mtime_ns
    code, said = _run(project, "--out", str(project / "mine"))
    assert (code, "is there already" in said) == (1, True)
    assert (project / "mine" / "pretraining.json").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id,message\n1,a\n", "messages.csv:1: no column 'text'"),
        ("text\nhello\nhello\nbye\n", "messages.csv: 2 different texts found, at least 20 expected"),
    ],
    ids=["other column", "too few"],
)
def test_a_bad_corpus_is_refused(project: Path, content: str, said: str) -> None:
    """Nothing is written, nothing of the configuration changes, and the reason is one line."""
    (project.parent / "messages.csv").write_text(content, encoding="utf-8")
    code, printed = _run(project, "--use")
    assert code == 1
    assert said in printed
    assert not (project / "backbones").exists() or not list((project / "backbones").iterdir())
    assert (project / "config.yml").read_text("utf-8") == CONFIG


def test_a_missing_backbone_is_not_blamed_on_the_messages(project: Path) -> None:
    """A folder that is gone is an error of its line; a name that nobody knows is named by itself."""
    config = project / "config.yml"
    (project / "backbones").mkdir()
    for name in ("backbones/gone", "./gone", "config.yml"):
        config.write_text(CONFIG.replace("backbone: tiny", f"backbone: {name}"), encoding="utf-8")
        code, said = _run(project)
        assert (
            code,
            f"config.yml:4: error: BertUnderstanding: backbone: {name}: no such folder" in said,
        ) == (
            1,
            True,
        ), said
    config.write_text(CONFIG.replace("backbone: tiny", "backbone: no such backbone"), encoding="utf-8")
    code, said = _run(project)
    assert code == 1
    assert said.startswith("error: backbone 'no such backbone' is neither")


def test_a_broken_backbone_is_refused_with_its_line(project: Path) -> None:
    """What the configuration names must be whole before anything is learnt on it."""
    (project / "tiny" / "model.safetensors").unlink()
    code, said = _run(project)
    assert code == 1
    assert "config.yml:4: error: BertUnderstanding: backbone" in said
