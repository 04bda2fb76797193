#!/usr/bin/python3
"""How near the datapath comes to its floor: `weft bench` and `weft bench --raw` in turn, in pairs that change their order.

The ratio of neighbours is what is told, its median and quartiles, because a shared machine changes its speed by a third within
seconds. Figures only: nothing is asserted about them.
"""
import argparse
import statistics
import sys

import bench_limits
import weftlab


def tell(name, values, scale, unit):
    low, middle, high = statistics.quantiles(values, n=4)
    print(f"  {name:6}  median {middle / scale:6.1f} {unit}, half of them within {low / scale:.1f} to {high / scale:.1f}, "
          f"best {max(values) / scale:.1f}", flush=True)


def compare(options):
    for mtu in options.mtu:
        pairs = []                    # of weft's rate and the floor's
        for number in range(options.pairs):
            rates = {}
            for words in ((), ("--raw",)) if number % 2 == 0 else (("--raw",), ()):
                rates[words] = bench_limits.weft_bench("--mtu", mtu, *words, seconds=options.seconds)
            pairs.append((rates[()], rates[("--raw",)]))
        print(f"MTU {mtu}, {options.pairs} pairs")
        tell("weft", [weft for weft, _ in pairs], 1e6, "MB/s")
        tell("floor", [raw for _, raw in pairs], 1e6, "MB/s")
        tell("ratio", [weft / raw for weft, raw in pairs], 0.01, "%")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=16, help="(16)")
    parser.add_argument("--seconds", type=int, default=2, help="of each run, after its warm-up (2)")
    parser.add_argument("--mtu", type=int, nargs="+", default=[1500, 9000], help="of the paths (1500 9000)")
    options = parser.parse_args()
    if options.pairs < 2:
        parser.error("--pairs: two at least, or there are no quartiles")
    try:
        compare(options)
    except weftlab.LabError as error:
        sys.exit(f"bench: {error}")


if __name__ == "__main__":
    main()
