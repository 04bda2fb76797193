"""Rules about sizes, and the report of them: files, functions, columns. Called by tidy.py with its Sources.
Sizes warn first and fail later: a file over 300 lines is a question, a file over 500 is a fault.
"""
import statistics

LINES_WARN, LINES_MAX, TEST_LINES_MAX = 300, 500, 800
FUNCTION_MAX, TEST_FUNCTION_MAX = 70, 100
COLUMNS_WARN, COLUMNS_MAX = 100, 130   # 100 is the rule; a table or a signature may read better a little wider
# Files and functions that may be longer, with the reason.
LONG_FILES = {}
LONG_FUNCTIONS = {
    ("bep/model/index_schema.cc", "text_of"): "a table: one line per SQL statement",
    ("bep/model/weft_toml_example.cc", "weft_toml_example"): "a text",
}


def check_files(sources):
    for source in sources:
        count, limit = len(source.lines), TEST_LINES_MAX if source.is_test else LINES_MAX
        if count > limit and source.name not in LONG_FILES:
            yield "fail", f"{source.name}: {count} lines, at most {limit}"
        elif count > LINES_WARN and not source.is_test:
            yield "warn", f"{source.name}: {count} lines"


def check_columns(sources):
    for source in sources:
        wide = [number for number, line in enumerate(source.lines, 1) if len(line) > COLUMNS_WARN]
        for number in wide:
            if len(source.lines[number - 1]) > COLUMNS_MAX:
                yield "fail", f"{source.name}:{number}: {len(source.lines[number - 1])} columns, at most {COLUMNS_MAX}"
        if wide:
            yield "warn", f"{source.name}: {len(wide)} lines over {COLUMNS_WARN} columns"


def check_functions(sources):
    for source in sources:
        limit = TEST_FUNCTION_MAX if source.is_test else FUNCTION_MAX
        for function in source.functions:
            what = f"{source.name}:{function.line}: {function.name}() of {function.lines} lines"
            if function.lines > limit and (source.name, function.name) not in LONG_FUNCTIONS:
                yield "fail", f"{what}, at most {limit}"
            elif function.lines > FUNCTION_MAX:
                yield "warn", what


def spread(numbers):
    """Median, 90th percentile and largest."""
    numbers = sorted(numbers)
    return statistics.median_low(numbers), numbers[(len(numbers) - 1) * 9 // 10], numbers[-1]


def summary(sources):
    files = [len(source.lines) for source in sources]
    functions = [function.lines for source in sources for function in source.functions]
    for what, lengths in (("files", files), ("functions", functions)):
        if lengths:
            median, most_of, longest = spread(lengths)
            yield f"{len(lengths)} {what}: median {median}, 90 % within {most_of}, longest {longest} lines"


def print_sizes(sources):
    print(f"{'':34}{'files: median/p90/most':>28}{'functions: median/p90/most':>32}")
    folders = sorted({source.folder for source in sources})
    for folder in [*folders, None]:
        chosen = [source for source in sources if source.folder == folder or (folder is None and not source.is_test)]
        lengths = [function.lines for source in chosen for function in source.functions]
        files = f"{len(chosen)}: " + "/".join(map(str, spread([len(source.lines) for source in chosen])))
        functions = f"{len(lengths)}: " + "/".join(map(str, spread(lengths))) if lengths else "none"
        print(f"{folder or 'all but tests and bench':34}{files:>28}{functions:>32}")
    print("\nlongest functions:")
    every = [(function.lines, source.name, function) for source in sources for function in source.functions]
    for lines, name, function in sorted(every, key=lambda entry: entry[0], reverse=True)[:15]:
        print(f"{lines:6}  {name}:{function.line} {function.name}()")
    print("\nlongest files:")
    for source in sorted(sources, key=lambda entry: len(entry.lines), reverse=True)[:15]:
        print(f"{len(source.lines):6}  {source.name}")
