"""Addresses of the rules' pages. Those about one rule lie below `rule/`, for a rule can have any id."""

from django.urls import path

from portal.console import kinds, rule_editor, rule_files, rule_publishing, rule_tester, rules
from portal.console.rule_pages import KINDS
from portal.console.sections import RULES

_RULE = "admin/rules/rule/<slug:rule>/"

urlpatterns = [
    path("admin/rules/", rules.rules, name=RULES),
    path("admin/rules/change/", rules.change, name="rules-change"),
    path("admin/rules/publish/", rule_publishing.publish, name="rules-publish"),
    path("admin/rules/discard/", rule_publishing.discard, name="rules-discard"),
    path("admin/rules/catch-up/", rule_publishing.catch_up, name="rules-catch-up"),
    path("admin/rules/versions/", rule_publishing.history, name="rules-versions"),
    path("admin/rules/roll-back/", rule_publishing.roll_back, name="rules-roll-back"),
    path("admin/rules/export/", rule_files.export, name="rules-export"),
    path("admin/rules/import/", rule_files.take, name="rules-import"),
    path("admin/rules/test/", rule_tester.write, name="rules-test"),
    path("admin/rules/test/file/", rule_tester.file, name="rules-test-file"),
    path("admin/rules/test/replay/", rule_tester.replay, name="rules-test-replay"),
    path("admin/rules/test/notice/", rule_tester.notice, name="rules-test-notice"),
    path("admin/rules/add/", rule_editor.add, name="rule-add"),
    path("admin/rules/sentence/", rule_editor.told_live, name="rules-sentence"),
    path("admin/rules/kinds/", kinds.listed, name=KINDS),
    path("admin/rules/kinds/add/", kinds.add, name="rules-kind-add"),
    path("admin/rules/kinds/built-in/<slug:kind>/", kinds.built_in, name="rules-kind-built-in"),
    path("admin/rules/kinds/own/<slug:kind>/", kinds.change, name="rules-kind"),
    path("admin/rules/kinds/own/<slug:kind>/delete/", kinds.delete, name="rules-kind-delete"),
    path(_RULE, rule_editor.edit, name="rule"),
    path(f"{_RULE}delete/", rules.delete, name="rule-delete"),
]
