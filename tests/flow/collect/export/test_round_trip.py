"""An account, exported and brought into a fresh account: nothing is different."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillarbox.flow.collect.files.manifest import FORMS, Form
from support.exporting import bring, everything, export_alice, fill_oddly
from support.store_box import Box


@pytest.mark.parametrize("form", FORMS)
async def test_all_comes_back(box: Box, tmp_path: Path, form: Form) -> None:
    await fill_oddly(box)
    before = await everything(box, box.alice.id)
    target = tmp_path / "alice.zip"
    manifest, progress = await export_alice(box, target, form)
    assert progress.failed == 0
    assert progress.brought == progress.messages_done == sum(len(one[2]) for one in before.values())

    box.alice = await box.new_account("carol@example.org")
    outcome, progress = await bring(box, target)
    assert outcome.complete
    assert [note.why for note in progress.troubles] == []
    after = await everything(box, box.alice.id)
    assert after.keys() == before.keys()
    for path, (role, subscribed, listed) in before.items():
        assert after[path][0] == role, path
        assert after[path][2] == listed, path
        assert after[path][1] >= subscribed, path
    assert manifest.form == form
