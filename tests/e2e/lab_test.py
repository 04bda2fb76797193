"""The laboratory itself, proved without weft: two stock Syncthings exchange a folder, and the comparison sees what differs.

    stock one ----- loopback TCP ----- stock two

If this fails, the other tests say nothing.
"""
import os

import compare_trees
import trees
import weftlab


def test_two_stock_syncthings_exchange_a_folder(lab, needs_stock):
    one, two = lab.stock("one"), lab.stock("two")
    source, _ = weftlab.join(one, two)
    trees.make_odd(source, seed=1)
    trees.make_small(source / "small", 150, seed=1)
    one.start()
    two.start()
    weftlab.wait_until(lambda: two.is_connected(one.id), 30, "the two are connected", alive=[one, two])
    weftlab.wait_same(one, two)
    assert compare_trees.totals(source)[0] == 150 + len(trees.ODD_NAMES) + 20 + 2
    weftlab.wait_until(lambda: one.completion_of("lab", two.id)["completion"] == 100, 30, "one knows that two is done")


def test_comparison_sees_every_kind_of_difference(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    for root in (one, two):
        trees.make_odd(root, seed=7)
        for folder, _, names in os.walk(root):
            for name in names:
                if not os.path.islink(os.path.join(folder, name)):
                    os.utime(os.path.join(folder, name), ns=(0, 1_600_000_000_123_456_789))
    assert not list(compare_trees.differences(one, two))

    (two / "private").write_bytes(b"Mine\n")
    os.utime(two / "private", ns=(0, 1_600_000_000_123_456_789))
    (two / "executable.sh").chmod(0o750)
    os.utime(two / "-dash", ns=(0, 1_600_000_000_123_456_790))
    (two / "link").unlink()
    (two / "link").symlink_to("private")
    (two / "empty 1").unlink()
    (two / "empty 2").unlink()
    (two / "empty 2").mkdir()
    (two / "extra").touch()
    (two / ".syncthing.extra.tmp").touch()         # not part of the tree
    found = {text.split(": ", 1)[0]: text.split(": ", 1)[1] for text in compare_trees.differences(one, two)}
    assert found == {
        "private": "other contents", "executable.sh": "mode 755 and 750", "empty 1": f"only in {one}",
        "-dash": "modified at 1600000000123456789 and 1600000000123456790 ns", "extra": f"only in {two}",
        "link": "points to 'executable.sh' and 'private'", "empty 2": "not the same kind"}
