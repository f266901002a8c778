"""Region features: computed once; a photo that can't be read has none."""

from training.learn import region_features
from training.learn.region_features import region_means
from training.towers.regions import REGION


def test_features_are_computed_once_and_what_cannot_be_read_is_left_out(tower, photos, tmp_path, capsys, monkeypatch):
    photos[2].content.write_bytes(b"no picture")
    found = region_means(tower, photos, 64, tmp_path / "cache")
    assert set(found) == {"0", "1", "3"} and found["0"].shape == (REGION,)
    assert "2 is left out" in capsys.readouterr().out

    monkeypatch.setattr(region_features, "frozen", None)  # so that nothing can be computed again
    again = region_means(tower, [photos[0], photos[3]], 64, tmp_path / "cache")
    assert set(again) == {"0", "3"} and (again["3"] == found["3"]).all()
