#!/usr/bin/python3
"""Times every cable alone and all of them together, through weft and through the kernel, on the same cables in one run.

Two network namespaces stand for two machines (netlab.py draws them). weft: one large file over af_packet ports, payload per
second while between a quarter and nine tenths of it arrive, so that neither the start nor the tail counts. Kernel: iperf3, TCP over each
cable and MPTCP (mptcpize) over all, the first seconds left out. What counts is the last column: all together against the
sum of the single cables, each system by its own. Figures only: nothing is asserted about them. Needs root.
"""
import argparse
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import netlab
import trees
import weftlab

MIB = trees.MIB
SCENARIOS = {                                        # name: rates of the cables in Mbit/s
    "equal": [1000, 1000],
    "unequal": [1000, 200],
    "four": [400, 200, 100, 50],
    "tiny-second": [500, 10],
}
PROGRAMS = ("iperf3", "mptcpize", "ip", "tc")
OMIT_S = 2                                           # of a kernel run: slow start


def mbit(bytes_per_second):
    return bytes_per_second * 8 / 1e6


# ---- weft

def middle_rate(daemon, paths, size, limit_s):
    """Payload bytes per second between a quarter and nine tenths of `size`; and by path."""
    seen = []

    def look():
        now = time.monotonic()
        by_path = {path["port"]: path["chunk_bytes_in"] - path["duplicate_bytes"] for path in daemon.paths()}
        seen.append((now, by_path))
        return sum(by_path.values()) >= 0.95 * size

    weftlab.wait_until(look, limit_s, "the file arrives", 0.05, [daemon])
    inside = [(at, by) for at, by in seen if 0.25 * size <= sum(by.values()) <= 0.9 * size]
    if len(inside) < 5:
        raise weftlab.LabError("the file went too quickly to be timed: give more --seconds")
    (first, before), (last, after) = inside[0], inside[-1]
    rates = {name: (after[name] - before[name]) / (last - first) for name in paths}
    return sum(rates.values()), rates


def weft_rate(machines, which, seconds):
    names = [f"cable-{number + 1}" for number in range(len(machines.cables))]
    chosen = [names[number] for number in which]
    size = int(sum(machines.cables[number].rate_mbit for number in which) * 1e6 / 8 * seconds)
    with weftlab.Lab() as lab:
        source = lab.weft("source", netns=machines.a, listen_host=netlab.MGMT[0])
        target = lab.weft("target", netns=machines.b, listen_host=netlab.MGMT[1])
        folder, _ = weftlab.join(source, target)
        for daemon, side in ((source, 0), (target, 1)):
            daemon.set_ports(machines.ports(side, names, which))
        trees.make_large(lab.directory / "file", size, f"links {which}")
        start_with_paths(source, target, set(chosen))
        (lab.directory / "file").rename(folder / "file")      # now, or its beginning would go over the link
        source.scan("lab")
        rate, by_path = middle_rate(target, chosen, size, 30 + 20 * seconds)
        weftlab.wait_same(source, target)
        totals = target.totals()
    return {"mbit": mbit(rate), "by_path": {name: mbit(value) for name, value in by_path.items()},
            "duplicate_share": totals["duplicate_bytes"] / size, "link_share": totals["bytes_via_link"] / size}


def start_with_paths(source, target, names):
    source.start()
    target.start()
    for daemon in (source, target):
        weftlab.wait_until(lambda: {path["port"] for path in daemon.paths() if path["state"] == "active"} == names, 30,
                           f"the paths of {daemon.name} are active", 0.02, [source, target])


# ---- the kernel

def in_namespace(name, *command):
    return ["ip", "netns", "exec", name, *map(str, command)]


@contextlib.contextmanager
def iperf_server(machines, address, wrap):
    with subprocess.Popen(in_namespace(machines.b, *wrap, "iperf3", "-s", "-1", "-B", address), stdout=subprocess.DEVNULL) as server:
        try:
            weftlab.wait_until(lambda: ":5201" in subprocess.run(
                in_namespace(machines.b, "ss", "-Hltn"), capture_output=True, text=True, check=True).stdout, 10,
                "iperf3 listens")
            yield
        finally:
            server.kill()


def iperf_rate(machines, number, seconds, wrap=()):
    address = machines.address(number, 1)
    with iperf_server(machines, address, wrap):
        done = subprocess.run(in_namespace(machines.a, *wrap, "iperf3", "-c", address, "-t", seconds, "-O", OMIT_S, "-J"),
                              capture_output=True, text=True, timeout=60 + 2 * seconds, check=False)
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise weftlab.LabError(f"iperf3: {answer['error']}")
    return {"mbit": answer["end"]["sum_received"]["bits_per_second"] / 1e6}


def set_up_mptcp(machines):
    """One subflow per cable: the client's other addresses are endpoints, the server announces its own."""
    for name, side in machines.sides():
        subprocess.run(in_namespace(name, "sysctl", "-qw", "net.mptcp.enabled=1"), check=True)
        netlab.ip("-n", name, "mptcp", "limits", "set", "subflow", 8, "add_addr_accepted", 8)
        for number in range(1, len(machines.cables)):
            netlab.ip("-n", name, "mptcp", "endpoint", "add", machines.address(number, side), "dev",
                      machines.ends(number)[side], "subflow" if side == 0 else "signal")


def mptcp_rate(machines, seconds):
    return iperf_rate(machines, 0, seconds, ("mptcpize", "run"))


# ---- one scenario

def run_once(rates, options):
    """{"weft" | "kernel": {"alone": [...], "all": {...}}}"""
    result = {}
    cables = [netlab.Cable(rate, mtu=options.mtu) for rate in rates]
    everything = range(len(cables))
    with netlab.TwoMachines(cables) as machines:
        if options.only != "kernel":
            alone = [weft_rate(machines, [number], options.seconds) for number in everything]
            result["weft"] = {"alone": alone, "all": weft_rate(machines, list(everything), options.seconds)}
        if options.only != "weft":
            machines.address_cables()
            alone = [iperf_rate(machines, number, options.seconds) for number in everything]
            set_up_mptcp(machines)
            result["kernel"] = {"alone": alone, "all": mptcp_rate(machines, options.seconds)}
    for kind in result.values():
        kind["share_of_sum"] = kind["all"]["mbit"] / sum(one["mbit"] for one in kind["alone"])
        kind["share_of_best"] = kind["all"]["mbit"] / max(one["mbit"] for one in kind["alone"])
    return result


def tell(name, result):
    for kind, found in result.items():
        label = {"weft": "weft", "kernel": "TCP, MPTCP"}[kind]
        alone = " + ".join(f"{one['mbit']:.0f}" for one in found["alone"])
        text = f"{name:<12} {label:<11} {alone:>26} {found['all']['mbit']:>8.0f}   {100 * found['share_of_sum']:5.1f} %" \
               f" {100 * found['share_of_best']:8.1f} %"
        if kind == "weft":
            text += f"   {100 * found['all']['duplicate_share']:.2f} % twice"
        print(text, flush=True)


def tell_medians(results):
    print("\nmedians of all together against the sum of the single cables")
    for name, runs in results.items():
        words = [f"{kind} {100 * statistics.median(run[kind]['share_of_sum'] for run in runs):.1f} %" for kind in runs[0]]
        print(f"{name:<12} {', '.join(words)}")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0],
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--scenario", action="append", choices=SCENARIOS, help="only this one (may be given again)")
    parser.add_argument("--rates", help="instead: cables of these Mbit/s, such as 300,100")
    parser.add_argument("--seconds", type=int, default=8, help="of each transfer, about")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each scenario; medians are told at the end")
    parser.add_argument("--only", choices=("weft", "kernel"))
    parser.add_argument("--mtu", type=int, default=1500)
    parser.add_argument("--json", type=pathlib.Path, help="write all figures here")
    return parser.parse_args()


def main():
    options = parse()
    if os.geteuid() != 0:
        print("bench_links: network namespaces need root", file=sys.stderr)
        return 2
    missing = [program for program in PROGRAMS if weftlab.shutil.which(program) is None]
    if missing:
        print(f"bench_links: {', '.join(missing)} missing: run scripts/setup.sh --bench", file=sys.stderr)
        return 2
    scenarios = {"given": [float(rate) for rate in options.rates.split(",")]} if options.rates else \
        {name: SCENARIOS[name] for name in options.scenario or SCENARIOS}
    results = {name: [] for name in scenarios}
    print(f"{'cables':<12} {'':<11} {'each alone, Mbit/s':>26} {'all':>8}   of sum   of best", flush=True)
    try:
        for _ in range(options.repeat):
            for name, rates in scenarios.items():
                results[name].append(run_once(rates, options))
                tell(name, results[name][-1])
    except weftlab.LabError as error:
        print(f"bench_links: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if options.repeat > 1:
        tell_medians(results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
