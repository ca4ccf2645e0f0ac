"""Rolling upgrades: migrations only add, and the version before reads and writes in the newest tables."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.apps.registry import Apps
from django.core.management import call_command
from django.db import connection, migrations, models
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ModelState, ProjectState

from portal.operations import upgrading

OURS = (
    "access", "api", "audit", "branding", "delivery", "directory",
    "ingest", "lifecycle", "operations", "rules", "vault",
)  # fmt: skip
FIRST_RELEASE = {"vault": "0003_split", "delivery": "0002_share", "directory": "none"}
"""Version 0.1.0: each app's last migration, where it has other than 0001_initial. Nobody runs anything older."""


@pytest.fixture(scope="module")
def loader() -> MigrationLoader:
    return MigrationLoader(None)


def is_released(migration: migrations.Migration) -> bool:
    last = FIRST_RELEASE.get(migration.app_label, "0001_initial")
    return last != "none" and migration.name <= last


def later(loader: MigrationLoader) -> list[migrations.Migration]:
    return [
        migration for (app, _), migration in sorted(loader.disk_migrations.items())
        if app in OURS and not is_released(migration)
    ]  # fmt: skip


def test_every_migration_since_the_first_release_may_run_beside_the_old_version(loader: MigrationLoader) -> None:
    for migration in later(loader):
        before = loader.project_state((migration.app_label, migration.name), at_end=False)
        assert list(upgrading.faults(migration, before)) == [], migration


def released(loader: MigrationLoader) -> Apps:
    """The models as the first release knows them."""
    nodes = [
        key for key in loader.disk_migrations
        if key[0] in OURS and is_released(loader.disk_migrations[key])
    ]  # fmt: skip
    last = {app: max(name for other, name in nodes if other == app) for app, _ in nodes}
    return loader.project_state(list(last.items())).apps


@pytest.mark.django_db
def test_the_first_release_writes_reads_and_deletes_in_the_newest_tables(loader: MigrationLoader) -> None:
    old = [model for model in released(loader).get_models() if model._meta.app_label in OURS]
    assert len(old) > 15
    made: dict[type[models.Model], models.Model] = {}
    for model in old:
        row = make(model, made)
        again = model._default_manager.get(pk=row.pk)
        again.save(force_update=True)
    for model in reversed(list(made)):
        model._default_manager.all().delete()


def make(model: type[models.Model], made: dict[type[models.Model], models.Model]) -> models.Model:
    """A row with what the old version has to give, and no more."""
    if model not in made:
        given: dict[str, Any] = {}
        for field in model._meta.local_fields:
            if field.null or field.has_default() or isinstance(field, models.AutoField):
                continue
            if isinstance(field, models.ForeignKey):
                given[field.name] = make(field.related_model, made)
            else:
                given[field.name] = some(field)
        made[model] = model._default_manager.create(**given)
    return made[model]


def some(field: models.Field[Any, Any]) -> Any:
    kinds: list[tuple[type[models.Field[Any, Any]], Any]] = [
        (models.DateTimeField, datetime(2026, 1, 1, tzinfo=UTC)), (models.DateField, date(2026, 1, 1)),
        (models.UUIDField, uuid.uuid4()), (models.BinaryField, b"x" * min(field.max_length or 8, 8)),
        (models.BooleanField, False), (models.IntegerField, 1), (models.JSONField, {}),
        (models.CharField, field.choices[0][0] if field.choices else "x"), (models.TextField, "x"),
    ]  # fmt: skip
    return next(value for kind, value in kinds if isinstance(field, kind))


STATE = ProjectState({
    ("ingest", "mail"): ModelState("ingest", "Mail", [
        ("id", models.UUIDField(primary_key=True)), ("size", models.IntegerField()),
        ("note", models.CharField(max_length=20)), ("old", models.DateTimeField(null=True)),
    ]),
})  # fmt: skip
SAFE: list[migrations.operations.base.Operation] = [
    migrations.AddField("mail", "due_at", models.DateTimeField(null=True)),
    migrations.AddField("mail", "spool", models.CharField(max_length=9, default="", db_default="")),
    migrations.AddIndex("mail", models.Index(fields=["size"], name="by_size")),
    migrations.AlterField("mail", "note", models.CharField(max_length=40)),
    migrations.AlterField("mail", "note", models.CharField(max_length=20, null=True, help_text="x")),
    migrations.CreateModel("Other", [("id", models.UUIDField(primary_key=True)), ("n", models.IntegerField())]),
    migrations.RunPython(migrations.RunPython.noop, migrations.RunPython.noop),
]
UNSAFE: list[migrations.operations.base.Operation] = [
    migrations.AddField("mail", "spool", models.CharField(max_length=9, default="")),
    migrations.AddField("mail", "spool", models.CharField(max_length=9)),
    migrations.RemoveField("mail", "old"),
    migrations.RenameField("mail", "old", "older"),
    migrations.RenameModel("Mail", "Letter"),
    migrations.DeleteModel("Mail"),
    migrations.AlterField("mail", "note", models.CharField(max_length=10)),
    migrations.AlterField("mail", "old", models.DateTimeField()),
    migrations.AlterField("mail", "size", models.TextField()),
    migrations.AlterField("mail", "size", models.IntegerField(unique=True)),
    migrations.AddConstraint("mail", models.UniqueConstraint(fields=["note"], name="once")),
    migrations.AlterUniqueTogether("mail", {("note", "size")}),
    migrations.AlterModelTable("mail", "letters"),
    migrations.RunSQL("DROP TABLE ingest_mail"),
    migrations.SeparateDatabaseAndState([migrations.RemoveField("mail", "old")], []),
]


def migration(*changes: migrations.operations.base.Operation) -> migrations.Migration:
    made = migrations.Migration("0009_test", "ingest")
    made.operations = list(changes)
    return made


@pytest.mark.parametrize("change", SAFE, ids=lambda change: change.describe()[:50])
def test_what_only_adds_is_let_pass(change: migrations.operations.base.Operation) -> None:
    assert list(upgrading.faults(migration(change), STATE)) == []


@pytest.mark.parametrize("change", UNSAFE, ids=lambda change: change.describe()[:50])
def test_what_the_old_version_would_not_survive_is_named(change: migrations.operations.base.Operation) -> None:
    (sentence,) = upgrading.faults(migration(change), STATE)
    assert sentence.endswith((".", "null."))


def test_a_model_that_is_new_may_be_changed_at_will() -> None:
    new = migrations.CreateModel("Other", [("id", models.UUIDField(primary_key=True))])
    changes = [
        migrations.AddField("other", "mail", models.ForeignKey("ingest.Mail", models.CASCADE)),
        migrations.AddConstraint("other", models.UniqueConstraint(fields=["mail"], name="once")),
    ]
    assert list(upgrading.faults(migration(new, *changes), STATE)) == []


def test_a_constraint_that_no_row_of_the_old_version_can_be_against_is_let_pass() -> None:
    days = migrations.AddField("mail", "days", models.IntegerField(default=0, db_default=0))
    within = migrations.AddConstraint("mail", models.CheckConstraint(condition=models.Q(days__lte=30), name="within"))
    assert list(upgrading.faults(migration(days, within), STATE)) == []
    assert list(upgrading.faults(migration(within), STATE)), "its rows may have more"
    mixed = models.CheckConstraint(condition=models.Q(days__lte=30) | models.Q(size__lte=9), name="mixed")
    assert list(upgrading.faults(migration(days, migrations.AddConstraint("mail", mixed)), STATE))
    once = ProjectState({
        ("ingest", "mail"): ModelState("ingest", "Mail", [
            ("id", models.UUIDField(primary_key=True)), ("name", models.CharField(max_length=9, unique=True)),
        ]),
    })  # fmt: skip
    ended = migrations.AddField("mail", "ended", models.DateTimeField(null=True))
    no_more = migrations.AlterField("mail", "name", models.CharField(max_length=9))
    living = models.UniqueConstraint(fields=["name"], condition=models.Q(ended=None), name="one_that_lives")
    assert list(upgrading.faults(migration(ended, no_more, migrations.AddConstraint("mail", living)), once)) == []


@pytest.fixture
def unapplied(transactional_db: None) -> Iterator[str]:
    """A database in which the newest migration of the vault is yet to come."""
    executor = MigrationExecutor(connection)
    newest = max(name for app, name in executor.loader.disk_migrations if app == "vault")
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("vault", newest)
    yield newest
    recorder.record_applied("vault", newest)


def test_check_says_what_would_be_done_and_does_nothing(unapplied: str) -> None:
    out = io.StringIO()
    status = 0
    try:
        call_command("upgrade", "--check", stdout=out)
    except SystemExit as end:
        status = int(str(end.code))
    assert f"vault.{unapplied}" in out.getvalue()
    # The first release's own migrations were made before the rule.
    assert status == (1 if "stop first" in out.getvalue() else 0)
    assert [step.name for step in upgrading.planned()] == [f"vault.{unapplied}"]


@pytest.mark.django_db
def test_check_of_an_up_to_date_database() -> None:
    out = io.StringIO()
    call_command("upgrade", "--check", stdout=out)
    assert "Nothing is to be done" in out.getvalue()
