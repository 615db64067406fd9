"""Fields of control files (``deb822(5)``)."""


def parse_paragraph(text: str) -> dict[str, str]:
    """Return the fields of one paragraph; lines after a field's first keep their newline, not their blank."""
    fields: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        if line[:1] in {" ", "\t"}:
            fields[name] = fields.get(name, "") + "\n" + line[1:]
        elif ":" in line:
            name, _, value = line.partition(":")
            fields[name] = value.strip()
    return fields


def parse_paragraphs(text: str) -> list[dict[str, str]]:
    """Return the fields of all paragraphs, which empty lines divide."""
    blocks: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.strip():
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    return [fields for block in blocks if (fields := parse_paragraph("\n".join(block)))]
