#!/usr/bin/python3
"""Moves, breaks and restarts what carries a transfer, and measures what it costs the receiver. Two wefts on this machine:

    weft "source"  ==== left, right (net_memif, 2 ms of delay each way) ====  weft "target"
                   ---- link (TLS over loopback TCP) ----

  switch        planned switches of all traffic from one path to the other, under full load
  fall          a path that goes silent under full load, and returns
  storm         random switches, moves, closes, opens, falls and returns, at either end, during one transfer
  handover      either side goes on as a new program (weft handover) in the middle of a transfer
  crash         kill -9 of either side at random moments of one sync, each time started again
  crash-stock   the same with a stock Syncthing as the source, over the link

A gap is a time in which the receiver's data core got no new chunk although it had asked; the daemon notes those from 2 ms on, and how
much of each the core itself was not run by the machine (`away`; the sender's core may have been away as well, which nobody sees here).
`elsewhere` are the gaps of the same transfer that no order was near to. Contents are compared at the end of each. Figures only: nothing is asserted about them, but unequal trees or a migration that does not end is an error.
"""
import argparse
import json
import pathlib
import random
import statistics
import sys
import threading
import time

import trees
import weftlab

MIB = trees.MIB
DELAY_US = 2000
PATHS = ("left", "right")
AROUND_S = 0.4               # what happens so long after an order is ascribed to it
KILL_EVERY_S = (0.05, 0.6)   # of the life of a process
STABLE_S = 31                # a link that stood for so long is dialled again at once, a younger one after a while
WINDOW_MIB = 48              # blocks of a receiver that are under way: every slot of a data core


class Pair:
    """Two wefts with two paths that carry, and a folder of one large file on its way."""

    def __init__(self, lab, rate_Bps=0, source_kind="weft"):
        self.source, self.target = getattr(lab, source_kind)("source"), lab.weft("target")
        self.folder, self.copy = weftlab.join(self.source, self.target)
        self.both = [self.source, self.target]
        self.paths = source_kind == "weft"
        self.rate_Bps = rate_Bps
        if self.paths:
            weftlab.add_memif_paths(self.source, self.target, names=PATHS)

    def start(self):
        for daemon in self.both:
            daemon.start()
        if self.paths:
            weftlab.wait_active(self.target, 2, self.both)
            self.slow()

    def slow(self):
        for daemon in self.both:
            for port in PATHS:
                daemon.impair(port, direction="tx", delay_us=DELAY_US, **({"rate_Bps": self.rate_Bps} if self.rate_Bps else {}))

    def offer(self, mib, seed=1):
        trees.make_large(self.folder / f"file{seed}", mib * MIB, seed)
        self.source.scan("lab")

    def verified(self):
        return self.target.rest.get("/rest/weft/meter")["bytes_verified"]

    def copied(self):
        return (self.copy / "file1").exists()         # it has its name when all of it is there

    def wait_verified(self, at_least):
        weftlab.wait_until(lambda: self.verified() >= at_least, 300, "bytes arrive", 0.02, self.both)

    def ended(self):
        """Migrations of both ends: begun, completed, failed, merged, and those that are neither over nor under way."""
        migrations = [daemon.migration() for daemon in self.both]
        count = {word: sum(migration[word] for migration in migrations) for word in ("begun", "completed", "failed", "merged")}
        under_way = sum(migration["state"] == "migrating" for migration in migrations)
        return {**count, "unfinished": count["begun"] - count["completed"] - count["failed"] - under_way}

    def finish(self, limit_s=900):
        weftlab.wait_same(self.source, self.target, deadline_s=limit_s)


class Gaps:
    """The receiver's gaps, and the moments at which something was ordered, on the receiver's clock."""

    def __init__(self, daemon):
        self._daemon = daemon
        self._orders, self._seen = [], {}
        self._after = max((gap["number"] for gap in self.read(0)["gaps"]), default=0)

    def read(self, since):
        return self._daemon.rest.get("/rest/weft/meter", gaps_since=since)

    def order(self):
        meter = self.read(self._after)
        self._orders.append(meter["now_us"])
        self._seen.update((gap["number"], gap) for gap in meter["gaps"])

    def figures(self):
        self._seen.update((gap["number"], gap) for gap in self.read(self._after)["gaps"])
        near = {at: [] for at in self._orders}
        elsewhere = []
        for gap in self._seen.values():
            of = [at for at in self._orders if at - gap["lasted_us"] <= gap["began_us"] <= at + AROUND_S * 1e6]
            (near[of[-1]] if of else elsewhere).append(gap)
        longest = [max(gaps, key=lambda gap: gap["lasted_us"], default=None) for gaps in near.values()]
        lengths = [gap["lasted_us"] / 1000 if gap else 0 for gap in longest]
        after = [f"{gap['lasted_us'] / 1000:.1f} from {(gap['began_us'] - at) / 1000:.0f} on" if gap else "< 2"
                 for at, gap in zip(self._orders, longest)]
        return {"longest gap near each, median": ms(statistics.median(lengths)),
                "each, ms, from the order on": ", ".join(after),
                "longest gap near any": gap_text(max(longest, key=lambda gap: gap["lasted_us"] if gap else 0)),
                "over 5 ms near them": sum(gap["lasted_us"] > 5000 for gaps in near.values() for gap in gaps),
                "over 5 ms elsewhere": sum(gap["lasted_us"] > 5000 for gap in elsewhere),
                "longest elsewhere": gap_text(max(elsewhere, key=lambda gap: gap["lasted_us"], default=None))}


def ms(value):
    return f"{value:.1f} ms" if value >= 2 else "< 2 ms"


def gap_text(gap):
    return "< 2 ms" if gap is None else f"{gap['lasted_us'] / 1000:.1f} ms, of it {gap['away_us'] / 1000:.1f} ms away"


def bench_switch(options, report):
    with weftlab.Lab() as lab:
        pair = Pair(lab)
        pair.start()
        pair.offer(256, 0)                            # warms memory and windows
        pair.finish()
        gaps, size = Gaps(pair.target), options.mib * MIB
        before, again = pair.verified(), pair.target.totals()["duplicate_bytes"]
        pair.offer(options.mib)
        for number in range(options.switches):
            pair.wait_verified(before + size * (number + 1) // (options.switches + 2))
            gaps.order()
            pair.both[number % 2].cli("paths", "switch", PATHS[number % 2])
        pair.finish()
        report("planned switch under full load", {
            "switches": options.switches, **gaps.figures(),
            "fetched twice": f"{pair.target.totals()['duplicate_bytes'] - again} B",
            "ended": "{completed} completed, {failed} failed".format(**pair.ended())})


def bench_fall(options, report):
    with weftlab.Lab() as lab:
        pair = Pair(lab)
        pair.start()
        pair.offer(256, 0)
        pair.finish()
        gaps, size = Gaps(pair.target), options.mib * MIB
        before = pair.verified()
        totals = pair.source.totals()
        again, moved, twice, in_flight = totals["retransmitted_bytes"], totals["moved_bytes"], pair.target.totals()["duplicate_bytes"], []
        pair.offer(options.mib)
        for number in range(options.falls):
            pair.wait_verified(before + size * (number + 1) // (options.falls + 2))
            weftlab.wait_until(lambda: set(pair.target.states().values()) == {"active"}, 60, "both paths are back", 0.02, pair.both)
            name = PATHS[number % 2]
            in_flight.append(max(path["lanes"][0]["in_flight_bytes"] for path in pair.source.paths()))
            gaps.order()
            pair.source.impair(name, blackhole=True)
            time.sleep(0.4)
            pair.slow()
        pair.finish()
        report("path silent under full load", {
            "falls": options.falls, **gaps.figures(),
            "sent again for the fall": f"{(pair.source.totals()['moved_bytes'] - moved) / MIB:.2f} MiB",
            "sent again in all": f"{(pair.source.totals()['retransmitted_bytes'] - again) / MIB:.2f} MiB",
            "received twice": f"{(pair.target.totals()['duplicate_bytes'] - twice) / MIB:.2f} MiB",
            "in flight, seen": f"{sum(in_flight) / MIB:.2f} MiB"})


def storm_step(pair, dice):
    """Returns whether it was taken."""
    daemon, port = dice.choice(pair.both), dice.choice(PATHS)
    what = dice.choices(("fall", "heal", "close", "add", "move", "switch"), (1, 2, 1, 3, 4, 4))[0]
    if what in ("fall", "heal"):
        if what == "fall":
            daemon.impair(port, blackhole=True)
        else:
            pair.slow()
        return True
    words = {"close": ("paths", "close", port), "add": ("paths", "add", f"{port}:{port}"), "switch": ("paths", "switch", port),
             "move": ("migrate", "--from", port, "--to", PATHS[1 - PATHS.index(port)])}[what]
    return daemon.cli(*words, check=False).returncode == 0


def bench_storm(options, report):
    dice = random.Random(options.seed)
    with weftlab.Lab() as lab:
        # Slow enough that all of it falls into the transfer.
        pair = Pair(lab, rate_Bps=max(10_000_000, options.storm_mib * MIB // max(1, options.storm // 20)))
        pair.start()
        pair.offer(options.storm_mib)
        done, taken = 0, 0
        while done < options.storm and pair.verified() < options.storm_mib * MIB:
            taken += storm_step(pair, dice)
            done += 1
        for daemon in pair.both:
            for port in PATHS:
                daemon.impair(port)
        pair.finish()
        weftlab.wait_until(lambda: all(d.migration()["state"] != "migrating" for d in pair.both), 30,
                           "no migration is left unfinished", alive=pair.both)
        totals, ended = pair.target.totals(), pair.ended()
        report("storm of wishes, falls and returns", {
            "orders": f"{done}, {taken} of them taken", "ended": "{completed} completed, {failed} failed, {merged} merged".format(**ended),
            "left unfinished": ended["unfinished"], "trees": "equal",
            "bytes fetched": f"{totals['bytes_verified'] / MIB:.0f} of {options.storm_mib} MiB",
            "over the link": f"{totals['bytes_via_link'] / MIB:.0f} MiB"})


def bench_crash(options, report, source_kind="weft"):
    dice, size = random.Random(options.seed), options.crash_mib * MIB
    with weftlab.Lab() as lab:
        # Slow enough that all kills fall into the transfer.
        pair = Pair(lab, rate_Bps=max(5_000_000, int(size / options.kills / KILL_EVERY_S[1])), source_kind=source_kind)
        pair.start()
        pair.offer(options.crash_mib)
        fetched, reused, kills, seconds = 0, 0, 0, []
        while kills < options.kills and not pair.copied():
            victim = dice.choice(pair.both)
            time.sleep(dice.uniform(*KILL_EVERY_S))
            if victim is pair.target:
                totals = victim.totals()
                fetched, reused = fetched + totals["bytes_verified"], reused + totals["bytes_reused"]
            victim.kill()
            began = time.monotonic()
            victim.start()
            seconds.append(time.monotonic() - began)
            kills += 1
            if pair.paths:
                pair.slow()
        pair.finish()
        totals = pair.target.totals()
        fetched, reused = fetched + totals["bytes_verified"], reused + totals["bytes_reused"]
        report("kill -9 at random moments" + (", stock source" if source_kind == "stock" else ""), {
            "kills": kills, "trees": "equal", "fetched": f"{fetched / MIB:.0f} MiB of a file of {size // MIB} MiB",
            "found again on disk": f"{reused / MIB:.0f} MiB",
            "bound": f"{size // MIB} + {kills} x {WINDOW_MIB} MiB",
            "median until it answers again": f"{statistics.median(seconds):.2f} s" if seconds else "-"})


def pause_of(pair, act):
    """The longest time without a verified block while `act` is carried out and a second after, in seconds."""
    acting = threading.Thread(target=act)
    acting.start()
    last, changed_at, longest_s, until = pair.verified(), time.monotonic(), 0.0, None
    while until is None or time.monotonic() < until:
        if until is None and not acting.is_alive():
            until = time.monotonic() + 1
        now = pair.verified()                         # waits itself while nobody answers
        if now != last:
            longest_s = max(longest_s, time.monotonic() - changed_at)
            last, changed_at = now, time.monotonic()
        time.sleep(0.002)
    acting.join()
    return max(longest_s, time.monotonic() - changed_at if not pair.copied() else 0)


def bench_handover(options, report):
    for who in ("target", "source"):
        pauses, size = [], options.mib * MIB
        for _ in range(options.handovers):
            with weftlab.Lab() as lab:
                pair = Pair(lab, rate_Bps=200_000_000)
                pair.start()
                time.sleep(STABLE_S)
                pair.offer(options.mib)
                pair.wait_verified(size // 4)
                daemon = getattr(pair, who)
                pauses.append(pause_of(pair, lambda: daemon.cli("handover")))
                pair.finish()
                totals = pair.target.totals()
                twice = totals["bytes_verified"] + totals["bytes_reused"] - size
        report(f"handover of the {'receiver' if who == 'target' else 'sender'} under load", {
            "handovers": options.handovers, "pause, median": f"{statistics.median(pauses):.2f} s",
            "pause, longest": f"{max(pauses):.2f} s", "fetched twice": f"{twice} B", "trees": "equal"})


BENCHES = {"switch": bench_switch, "fall": bench_fall, "storm": bench_storm, "handover": bench_handover, "crash": bench_crash,
           "crash-stock": lambda options, report: bench_crash(options, report, "stock")}


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=BENCHES, default=list(BENCHES), help="these alone")
    parser.add_argument("--mib", type=int, default=1536, help="of the file for switch and fall")
    parser.add_argument("--switches", type=int, default=8)
    parser.add_argument("--falls", type=int, default=6)
    parser.add_argument("--storm", type=int, default=1000, help="orders")
    parser.add_argument("--storm-mib", type=int, default=2048)
    parser.add_argument("--handovers", type=int, default=3, help="of each side")
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--crash-mib", type=int, default=2048)
    parser.add_argument("--seed", type=int, default=1, help="of the storm and of the kills")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures there")
    return parser.parse_args()


def main():
    options, rows = parse(), []

    def report(title, figures):
        rows.append({"what": title, **figures})
        print(f"{title}\n" + "".join(f"  {name:<30} {value}\n" for name, value in figures.items()), flush=True)

    for name in options.only:
        if name == "crash-stock" and weftlab.Stock.binary is None:
            print("crash-stock: left out, syncthing is not installed\n")
            continue
        BENCHES[name](options, report)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except weftlab.LabError as error:
        sys.exit(f"bench_migrate: {error}")
