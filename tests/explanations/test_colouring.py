"""Heat maps in the colours that their study chose: made from the float map, outside of the explanation's key."""

from io import BytesIO

import numpy as np
import pytest
from django.core.files.base import ContentFile
from PIL import Image

from explain.methods.kinds import KINDS
from explain.render.colour_scales import BRIGHTENING, PUBLISHED
from explain.render.pictures import heat_layer
from readerstudy.cases.models import save_file
from readerstudy.explanations import colouring
from readerstudy.explanations.encoding import map_bytes
from readerstudy.explanations.models import Explanation, ExplanationFile
from readerstudy.studies.models import Study
from readerstudy.studies.protocol import protocol, protocol_sha256
from tests.worlds import last_part, make_world

pytestmark = pytest.mark.django_db
VALUES = np.random.default_rng(7).random((224, 224), dtype=np.float32)


class World:
    """A study whose reader sees one map, computed here from VALUES."""

    def __init__(self, client, **fields):
        self.client = client
        self.world = make_world("one")
        Study.objects.filter(pk=self.world.study.pk).update(**fields)
        assert self.world.assignment is not None
        self.position = self.world.assignment.position
        self.kind = self.world.assignment.method.kinds[0]
        self.explanation = self.world.assignment.example.explanations.get(kind=self.kind)
        self.store(VALUES)
        client.force_login(self.world.people["reader"])

    def store(self, values):
        explanation = self.explanation
        save_file(explanation.map, map_bytes(values), ".npy", "map")
        row = explanation.files.get(role="layer")
        save_file(row.file, heat_layer(values), ".png", "layer")
        Explanation.objects.filter(pk=explanation.pk).update(map=explanation.map.name)
        ExplanationFile.objects.filter(pk=row.pk).update(file=row.file.name)

    @property
    def panel(self):
        panels = self.client.get(f"/api/reading/one/assignments/{self.position}/").json()["panels"]
        return next(panel for panel in panels if panel["type"] == "map")

    def layer(self):
        return self.client.get(self.panel["layer_url"])


def body(answer) -> bytes:
    return b"".join(answer.streaming_content)


def coloured(scale) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(heat_layer(VALUES, scale=scale))))


def test_a_study_shows_its_maps_in_the_scale_that_it_chose(client):
    shown = World(client, heatmap_scale="brightening")
    rgba = np.asarray(Image.open(BytesIO(body(shown.layer()))))
    assert np.array_equal(rgba, coloured(BRIGHTENING))
    strongest = np.unravel_index(VALUES.argmax(), VALUES.shape)
    assert tuple(rgba[strongest][:3]) == tuple(BRIGHTENING.colours[-1])
    assert shown.panel["legend"] == BRIGHTENING.legend()


def test_older_studies_show_what_they_showed(client):
    shown = World(client)
    assert shown.world.study.heatmap_scale == "published"
    assert body(shown.layer()) == heat_layer(VALUES) and shown.panel["legend"] == PUBLISHED.legend()


@pytest.mark.parametrize(("scale", "word"), [("published", "darker"), ("brightening", "brighter")])
def test_what_is_this_says_that_it_is_always_the_strongest_5_per_cent(client, scale, word):
    said = World(client, heatmap_scale=scale).panel["what_is_this"]
    assert said.endswith(
        f"The stronger, the {word}. Always the strongest 5 % of pixels are coloured, however weak the evidence."
    )
    assert "Red" not in said


def test_a_coloured_layer_is_made_once_and_again_when_it_is_lost(client, monkeypatch):
    shown = World(client, heatmap_scale="brightening")
    made = []

    def counted(values, **more):
        made.append(values)
        return heat_layer(values, **more)

    monkeypatch.setattr(colouring, "heat_layer", counted)
    first, second = body(shown.layer()), body(shown.layer())
    assert first == second and len(made) == 1
    file = colouring.coloured_layer(shown.explanation, BRIGHTENING)
    file.storage.delete(str(file.name))
    assert body(shown.layer()) == first and len(made) == 2


def test_nothing_is_rendered_again_and_no_stored_file_changes(client):
    shown = World(client)
    before = (Explanation.objects.values().get(pk=shown.explanation.pk), [*ExplanationFile.objects.values()])
    Study.objects.update(heatmap_scale="brightening")
    body(shown.layer())
    after = (Explanation.objects.values().get(pk=shown.explanation.pk), [*ExplanationFile.objects.values()])
    assert after == before


def test_the_etag_is_of_what_is_served_and_its_name_tells_nothing_of_the_case(client):
    shown = World(client)
    red = shown.layer()
    Study.objects.update(heatmap_scale="brightening")
    ours = shown.layer()
    assert red["ETag"] != ours["ETag"]
    again = client.get(shown.panel["layer_url"], headers={"If-None-Match": ours["ETag"]})
    assert again.status_code == 304
    stale = client.get(shown.panel["layer_url"], headers={"If-None-Match": red["ETag"]})
    assert stale.status_code == 200
    everything = str(ours.headers)
    assert shown.explanation.key not in everything and shown.explanation.prediction.case.public_id not in everything
    assert last_part(str(shown.explanation.map.name)) not in everything


def test_nginx_is_told_the_coloured_file(client, settings):
    settings.MEDIA_ACCEL_PREFIX = "/protected/"
    shown = World(client, heatmap_scale="brightening")
    name = shown.layer()["X-Accel-Redirect"].removeprefix("/protected/")
    assert shown.explanation.map.storage.open(name).read() == heat_layer(VALUES, scale=BRIGHTENING)


def test_a_map_rendered_elsewhere_stays_as_it_was_loaded(client):
    shown = World(client, heatmap_scale="brightening")
    Explanation.objects.update(external=True)
    assert body(shown.layer()) == heat_layer(VALUES) and shown.panel["legend"] == PUBLISHED.legend()
    Explanation.objects.update(external=False, map="")
    assert body(shown.layer()) == heat_layer(VALUES)


def test_arrows_of_a_kind_that_also_has_a_map_stay_arrows_when_its_package_is_removed(client, monkeypatch):
    shown = World(client, heatmap_scale="brightening")
    frozen = {"title": "Motion", "what_is_this": "Arrows.", "shows": "flow", "fixed_by": "opening"}
    Study.objects.update(kind_texts={shown.kind: frozen})
    monkeypatch.setattr(KINDS, "_found", ({name: kind for name, kind in KINDS.items() if name != shown.kind}, ()))
    assert shown.panel["shows"] == "flow" and "legend" not in shown.panel
    assert body(shown.layer()) == heat_layer(VALUES), "the stored picture: here it stands for the arrows"


def test_a_lost_or_damaged_map_is_said(client):
    shown = World(client, heatmap_scale="brightening")
    storage, name = shown.explanation.map.storage, str(shown.explanation.map.name)
    storage.delete(name)
    assert shown.layer().status_code == 404
    storage.save(name, ContentFile(b"not numbers"))
    assert shown.layer().status_code == 404


def test_the_scale_is_frozen_with_the_protocol_and_older_hashes_verify():
    study = make_world("one", state="draft").study
    before = protocol_sha256(study)
    assert "heatmap_scale" not in protocol(study) and "overlay_at_first" not in protocol(study)
    study.heatmap_scale, study.overlay_at_first = "brightening", False
    assert protocol(study)["heatmap_scale"] == "brightening" and protocol(study)["overlay_at_first"] is False
    assert protocol_sha256(study) != before
