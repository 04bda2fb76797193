"""The medians of bench_vs.py as bars, drawn by gnuplot."""
import subprocess

import weftlab

WORDS = {"weft": "weft", "stock": "Syncthing", "weft-stock": r"weft to\nSyncthing", "stock-weft": r"Syncthing\nto weft",
         "rsync": "rsync daemon"}
SCRIPT = """set terminal svg size 720,360 font 'sans-serif,13' background '#ffffff'
set output '{file}'
set title "{title}" noenhanced
set ylabel '{unit}'
set yrange [0:*]
set style fill solid
set boxwidth 0.6
set grid ytics lc rgb '#dddddd'
set border 3
set bmargin 4
set tics nomirror
unset key
$bars << END
{bars}
END
plot $bars using 0:2:($0 == 0 ? 0x2a6fb0 : 0x9aa5b1):xtic(1) with boxes lc rgb variable, \\
     '' using 0:2:(sprintf('%.0f', $2)) with labels offset 0,0.7
"""


def draw(told, file):
    key, scale, unit = ("files_per_second", 1, "files/s") if told["small"] else ("bytes_per_second", 1e6, "MB/s")
    bars = "\n".join(f'"{WORDS[kind]}" {figures[key] / scale:.1f}' for kind, figures in told["ways"].items())
    script = SCRIPT.format(file=file, title=f"{told['moved']}, median of {told['rounds']}: {told['machine']}", unit=unit, bars=bars)
    try:
        subprocess.run(["gnuplot"], input=script, text=True, check=True, capture_output=True)
    except FileNotFoundError:
        raise weftlab.LabError("no gnuplot: run scripts/setup.sh --bench") from None
    except subprocess.CalledProcessError as error:
        raise weftlab.LabError(f"gnuplot: {error.stderr.strip()[-300:]}") from error
