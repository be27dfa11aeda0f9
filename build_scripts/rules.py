"""Checks the rules of the house that no linter knows: `python build_scripts/rules.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from build_scripts.house_rules import code, facts, qt, testing, texts
from build_scripts.house_rules.tree import Finding, Rule, Tree

ROOT = Path(__file__).resolve().parent.parent
RULES: tuple[Rule, ...] = (*code.RULES, *facts.RULES, *texts.RULES, *qt.RULES, *testing.RULES)


def findings(root: Path, rules: tuple[Rule, ...] = RULES) -> list[Finding]:
    """What breaks a rule below `root`, in the order of files; lines that carry a reason are left out."""
    tree = Tree(root)
    by_path = {source.path: source for source in tree.sources}
    found = {finding for rule in rules for finding in rule(tree)}
    return sorted(
        finding
        for finding in found
        if finding.path not in by_path or not by_path[finding.path].allows(finding.rule, finding.line)
    )


def main() -> int:
    found = findings(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
    for finding in found:
        print(finding)
    print(f"{len(RULES)} rules, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
