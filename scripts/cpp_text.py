"""C++ sources as text: comments and literals blanked out, and the functions with their lengths. Enough of the language
for the rules in tidy.py, without a compiler: braces, parentheses and the few words that stand before a block.
"""
import dataclasses
import re

_SKIPPED = re.compile(r"""//[^\n]*
                        | /\*.*?\*/
                        | R"(?P<mark>[^()\s\\]{0,16})\(.*?\)(?P=mark)"
                        | "(?:\\.|[^"\\\n])*"
                        | (?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'""", re.DOTALL | re.VERBOSE)
_NO_FUNCTION = re.compile(r"\b(namespace|class|struct|union|enum|if|for|while|switch|do|else|catch|try|extern)\b")


def code_only(text):
    """The text with comments and the contents of literals as spaces; every character keeps its place."""
    def blank(match):
        found = match.group(0)
        keep = "" if found.startswith("/") else found[0]
        return keep + "".join(c if c == "\n" else " " for c in found[len(keep):len(found) - len(keep)]) + keep
    return _SKIPPED.sub(blank, text)


@dataclasses.dataclass
class Function:
    name: str
    line: int       # of its head's first line
    lines: int      # from there to the closing brace


def functions(text):
    """Every function with a body, in order; lambdas belong to the function they stand in. `text`: code_only()."""
    found = []
    blocks = []                      # of open braces: None, or the Function that the brace opens
    head_at = 0                      # where the present statement began
    parentheses = 0
    inside = 0                       # open functions
    for at, c in enumerate(text):
        if c in "([":
            parentheses += 1
        elif c in ")]":
            parentheses -= 1
        elif c == "{":
            function = None
            if inside == 0 and parentheses == 0 and _opens_function(text[head_at:at]):
                function = _begin(text, head_at, at)
                inside += 1
            blocks.append((function, parentheses, head_at))
            if inside == 0 and parentheses == 0 and _opens_scope(text[head_at:at]):
                head_at = at + 1
            elif function is not None:
                parentheses = 0
        elif c == "}" and blocks:
            function, parentheses, head = blocks.pop()
            if function is not None:
                function.lines = text.count("\n", 0, at) + 2 - function.line
                found.append(function)
                inside -= 1
                head_at = at + 1
            elif inside == 0 and _opens_scope(text[head:].split("{", 1)[0]):
                head_at = at + 1
        elif c == ";" and inside == 0 and parentheses == 0:
            head_at = at + 1
        elif c == ":" and inside == 0 and re.search(r"\b(public|private|protected)\s*$", text[head_at:at]):
            head_at = at + 1
    return found


def _begin(text, head_at, brace):
    head = text[head_at:brace]
    start = head_at + len(head) - len(_without_directives(head).lstrip())
    named = re.search(r"([\w:~]+|operator\s*\S+?)\s*\($", _up_to_parameters(text[start:brace]))
    return Function(named.group(1) if named else "?", text.count("\n", 0, start) + 1, 0)


def _without_directives(head):
    """Preprocessor lines before a head are no part of it."""
    lines = head.split("\n")
    while lines and (not lines[0].strip() or lines[0].lstrip().startswith("#")):
        lines.pop(0)
    return "\n".join(lines)


def _up_to_parameters(head):
    """The head up to its first parenthesis that is not an attribute's, a decltype's or an alignas's."""
    for match in re.finditer(r"\(", head):
        if not re.search(r"\b(alignas|alignof|decltype|noexcept|requires|sizeof|explicit)\s*\($", head[:match.end()]):
            return head[:match.end()]
    return head


def _opens_scope(head):
    head = _without_directives(head).strip()
    return bool(re.search(r"\b(namespace|class|struct|union|enum|extern)\b", head)) and not _opens_function(head)


def _opens_function(head):
    """A parameter list, then nothing that an initializer would have: `x = {`, `member_{` of a constructor's list."""
    head = _without_directives(head).strip()
    if "(" not in head or _depth(head) != 0:
        return False
    plain = re.sub(r"\b(template\s*<[^{};]*?>|alignas\s*\([^()]*\)|\[\[[^\]]*\]\])", " ", head)
    if re.match(r"(inline\s+)?(namespace|extern)\b", plain.strip()) or "(" not in plain:
        return False
    if re.match(r"\s*((template|typedef)\b.*)?\b(class|struct|union|enum)\s+[\w:<>, ]+(\s+final)?\s*(:[^:(].*)?$", plain,
                re.DOTALL) and not re.search(r"\)\s*(const|noexcept|override|final)?\s*$", plain):
        return False
    if _top_level(plain, r"(?<![=!<>+\-*/%&|^])=(?!=)") and not re.search(r"\boperator\s*\S*=", plain):
        return bool(re.search(r"\]\s*(\([^()]*(\([^()]*\)[^()]*)*\))?\s*(mutable|noexcept|->[^{]*)*\s*$", plain))
    if _top_level(plain, r"\)\s*(const|noexcept|\s)*:(?!:)") and re.search(r"[\w>]\s*$", plain):
        return False                 # a constructor's member, not its body
    return True


def _depth(head):
    return head.count("(") - head.count(")")


def _top_level(text, pattern):
    """Does the pattern begin or end outside of all parentheses?"""
    for match in re.finditer(pattern, text):
        before = text[:match.end()]
        if _depth(before) == 0:
            return True
    return False
