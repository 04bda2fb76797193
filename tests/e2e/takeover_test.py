"""Another instance goes on where one ended: with a copy of its home and its folder, as on a second appliance.

    weft "source"  ==== left, right (net_memif) ====  weft "target", killed in the middle of a transfer
                   ---- link (TLS, loopback) --------        |  home and folder are copied
                   ==============================     weft "stand-in", the same device ID, other directories

Either side may be the one that is replaced. A home serves one weft at a time.
"""
import shutil

import pytest

import trees
import weftlab

MIB = trees.MIB
SLOW_BPS = 40_000_000        # per path
SIZE = 120 * MIB


@pytest.fixture
def pair(lab):
    source, target = lab.weft("source"), lab.weft("target")
    folder, _ = weftlab.join(source, target)
    weftlab.add_memif_paths(source, target)
    trees.make_large(folder / "file", SIZE, 1)
    source.start()
    for port in ("left", "right"):
        source.impair(port, rate_Bps=SLOW_BPS, direction="tx")
    target.start()
    weftlab.wait_until(lambda: target.totals()["bytes_verified"] > SIZE // 3, 60, "a third is there", 0.02, [source, target])
    return source, target


def stand_in(lab, first):
    """On copies of `first`'s home and folder, at the addresses that `first` had."""
    second = lab.weft(f"stand-in for {first.name}")
    shutil.rmtree(second.home)
    shutil.copytree(first.home, second.home, ignore=shutil.ignore_patterns("run"))
    shutil.copytree(first.folder_path("lab"), second.folder_path("lab"))
    config = second.home / "config.xml"
    config.write_text(config.read_text().replace(str(first.folder_path("lab")), str(second.folder_path("lab"))))
    second.id, second.rest = first.id, first.rest
    return second


@pytest.mark.parametrize("who", ["source", "target"])
def test_a_copy_of_home_and_folder_goes_on(lab, pair, who):
    source, target = pair
    first, other = (source, target) if who == "source" else (target, source)
    first.kill()
    second = stand_in(lab, first)
    second.start()
    source, target = (second, target) if who == "source" else (source, second)
    weftlab.wait_same(source, target, deadline_s=60)
    totals = target.totals()
    if who == "source":
        assert totals["bytes_verified"] == SIZE, "nothing is fetched twice"
    else:
        assert totals["bytes_verified"] + totals["bytes_reused"] == SIZE
        assert totals["bytes_reused"] > SIZE // 4, "what was copied of the temp file is used"
    assert other.is_connected(second.id)
    assert not list(target.folder_path("lab").rglob(".syncthing.*.tmp"))


def test_a_home_serves_one_weft_at_a_time(lab, pair):
    source, target = pair
    late = lab.weft("late")
    late.home, late.rest = target.home, target.rest
    refused = late.run(*late._command(), check=False)
    assert refused.returncode == 2 and "is in use by another weft; stop that one first" in refused.stderr
    weftlab.wait_same(source, target, deadline_s=60)
