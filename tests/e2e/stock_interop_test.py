"""weft and a stock Syncthing on one folder: plain BEP over TLS, nothing that stock does not know.

    weft ---- TLS over loopback TCP ---- stock Syncthing (Debian's 1.19)

Both directions, both may dial; changes while both run; restarts in the middle; and after a restart no index is sent
twice. Whether it is done is asked of the stock side as well.
"""
import os

import pytest

import trees
import weftlab

MIB = trees.MIB
SLOW_KIB = 60_000             # KiB/s, where a transfer must be caught in its middle

pytestmark = pytest.mark.usefixtures("needs_stock")


def stock_agrees(stock, weft):
    """Stock's own REST: it needs nothing, and neither, as far as it knows, does the other."""
    for question in ({}, {"device": weft.id}):
        answer = weftlab.wait_until(
            lambda: (found := stock.rest.get("/rest/db/completion", folder="lab", **question))["completion"] == 100 and found,
            30, f"stock reports completion 100 {question}", alive=[stock, weft])
        assert answer["needBytes"] == 0 and answer["needDeletes"] == 0
    status = stock.folder_status("lab")
    assert status["needTotalItems"] == 0 and status["errors"] == 0 and status["state"] == "idle"
    assert status["inSyncBytes"] == status["globalBytes"]


def fill(folder, seed):
    for number in range(6):
        trees.make_large(folder / f"large {number}", 50 * MIB, f"{seed}-{number}")
    trees.make_small(folder / "small", 2000, seed)
    trees.make_odd(folder / "odd", seed)


def make(lab, dialler):
    """weft, stock and their folders; `dialler` is the one that connects."""
    weft, stock = lab.weft("weft"), lab.stock("stock")
    if dialler == "weft":
        there, here = weftlab.join(stock, weft)
    else:
        here, there = weftlab.join(weft, stock)
    return weft, stock, here, there


@pytest.mark.parametrize("dialler", ["weft", "stock"])
def test_folder_comes_from_stock(lab, dialler):
    weft, stock, _, there = make(lab, dialler)
    fill(there, "from stock")
    stock.start()
    weft.start()
    weftlab.wait_same(stock, weft, deadline_s=180)
    stock_agrees(stock, weft)


@pytest.mark.parametrize("dialler", ["weft", "stock"])
def test_folder_goes_to_stock(lab, dialler):
    weft, stock, here, _ = make(lab, dialler)
    fill(here, "to stock")
    weft.start()
    stock.start()
    weftlab.wait_same(weft, stock, deadline_s=180)
    stock_agrees(stock, weft)


@pytest.mark.parametrize("changer", ["weft", "stock"])
def test_changes_while_both_run(lab, changer):
    weft, stock, here, there = make(lab, "weft")
    trees.make_small(there / "small", 250, 5)
    trees.make_odd(there / "odd", 5)
    stock.start()
    weft.start()
    weftlab.wait_same(stock, weft)
    daemon, root = (weft, here) if changer == "weft" else (stock, there)

    def settle():
        daemon.scan("lab")
        weftlab.wait_same(stock, weft)

    (root / "added").write_bytes(b"added\n" * 1000)
    (root / "added directory/below").mkdir(parents=True)
    trees.make_large(root / "added directory/below/large", 3 * MIB, changer)
    (root / "added link").symlink_to("added")
    (root / "added empty").touch()
    settle()

    with open(root / "added directory/below/large", "r+b") as file:
        file.seek(MIB)
        file.write(b"changed in the middle")
    (root / "odd/private").chmod(0o640)
    os.utime(root / "added", ns=(0, 1_400_000_000_111_222_333))
    (root / "added link").unlink()
    (root / "added link").symlink_to("added empty")
    settle()

    os.rename(root / "added", root / "renamed")
    os.rename(root / "small/group 0", root / "renamed group")
    settle()

    (root / "renamed").unlink()
    (root / "added link").unlink()
    (root / "renamed group/part-1/file 00101.bin").unlink()
    for file in (root / "odd/empty directory", root / "added directory/below/large", root / "added directory/below",
                 root / "added directory"):
        file.rmdir() if file.is_dir() else file.unlink()
    settle()

    (root / "odd/private").unlink()          # a file becomes a directory
    (root / "odd/private").mkdir()
    settle()
    stock_agrees(stock, weft)


@pytest.mark.parametrize("restarted", ["weft", "stock", "weft, by handover"])
@pytest.mark.parametrize("receiver", ["weft", "stock"])
def test_restart_in_the_middle(lab, receiver, restarted):
    weft, stock, here, there = make(lab, "weft")
    # Only stock has a brake, and it works on both directions.
    stock.options = {"limitBandwidthInLan": True, "maxSendKbps": SLOW_KIB, "maxRecvKbps": SLOW_KIB}
    weftlab.join(stock, weft)
    source, target, full, empty = (stock, weft, there, here) if receiver == "weft" else (weft, stock, here, there)
    names = [f"large {number}" for number in range(6)]
    for name in names:
        trees.make_large(full / name, 50 * MIB, name)
    source.start()
    target.start()
    finished = weftlab.wait_until(lambda: [name for name in names if (empty / name).exists()], 90, "one file is there",
                                  0.02, [weft, stock])
    assert len(finished) < len(names), "too late: every file is there"
    if restarted == "weft, by handover":
        assert weft.cli("handover").stdout.startswith("handed over: it answers again after ")
    else:
        (weft if restarted == "weft" else stock).restart()
    weftlab.wait_same(stock, weft, deadline_s=180)
    stock_agrees(stock, weft)
    if receiver == "weft" and restarted != "stock":
        assert weft.totals()["bytes_verified"] <= (len(names) - len(finished)) * 50 * MIB, "finished files came again"


@pytest.mark.parametrize("restarted", ["weft", "stock"])
def test_no_full_index_after_a_restart(lab, restarted):
    """2000 entries with their hashes are far more than the bound below; a delta of one file is far less."""
    weft, stock, here, there = make(lab, "weft")
    trees.make_small(there / "small", 1000, "delta stock")
    trees.make_small(here / "other", 1000, "delta weft")
    stock.start()
    weft.start()
    weftlab.wait_same(stock, weft)
    stock_agrees(stock, weft)
    before = stock.rest.get("/rest/system/connections")["connections"][weft.id]
    full_index = 1000 * 60        # a lower bound: path, hash and version of each file, either way
    assert before["inBytesTotal"] > full_index and before["outBytesTotal"] > full_index

    (weft if restarted == "weft" else stock).restart()
    weftlab.wait_until(lambda: stock.is_connected(weft.id), 60, "connected again", alive=[weft, stock])
    (here / "one more").write_bytes(b"of weft\n")
    (there / "yet one more").write_bytes(b"of stock\n")
    weft.scan("lab")
    stock.scan("lab")
    weftlab.wait_same(stock, weft)
    after = stock.rest.get("/rest/system/connections")["connections"][weft.id]
    assert 0 < after["inBytesTotal"] < full_index / 3, "weft sent more than what had changed"
    assert 0 < after["outBytesTotal"] < full_index / 3, "stock was made to send more than what had changed"


def test_serves_a_home_that_stock_made(lab, tmp_path):
    """The home directory of a Syncthing, taken over as it is: same identity, same folder, same peers."""
    one, two = lab.stock("one"), lab.stock("two")
    folder, _ = weftlab.join(one, two)
    trees.make_small(folder, 50, 9)
    one.start()
    two.start()
    weftlab.wait_same(one, two)
    two.stop()

    heir = lab.weft("heir")
    heir.home, heir.gui_port, heir.id = two.home, two.gui_port, two.id
    heir.rest = weftlab.Rest(two.gui_port)
    heir.folder_path = two.folder_path
    (folder / "for the heir").write_bytes(b"yours now\n")
    one.scan("lab")
    heir.start()
    assert heir.rest.get("/rest/system/status")["myID"] == two.id
    weftlab.wait_same(one, heir)
