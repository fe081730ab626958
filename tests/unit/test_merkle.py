"""The tree over a day's events: RFC 6962's own answers, and no path that leads anywhere but where it belongs."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.evidence.timestamp import merkle
from sync.evidence.timestamp.token import head

# The vectors of the Certificate Transparency project (RFC 6962, section 2.1): the root after each further leaf.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        *("", "00", "10", "2021", "3031", "40414243", "5051525354555657"),
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
NO_LEAVES = hashlib.sha256().hexdigest()


def many(size: int) -> list[bytes]:
    return [hashlib.sha256(f"event {n}".encode()).digest() for n in range(size)]


def test_the_roots_are_those_of_the_standard() -> None:
    assert merkle.root([]).hex() == NO_LEAVES
    assert tuple(merkle.root(LEAVES[: n + 1]).hex() for n in range(8)) == ROOTS


@pytest.mark.parametrize(
    ("index", "size", "steps"),
    [
        (0, 1, []),
        (
            5,
            8,
            [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    ],
)
def test_the_paths_are_those_of_the_standard(index: int, size: int, steps: list[str]) -> None:
    assert [step.hex() for step in merkle.path(LEAVES[:size], index)] == steps


def test_every_leaf_of_every_size_leads_to_the_root() -> None:
    for size in (*range(1, 40), 63, 64, 65, 200):
        leaves = many(size)
        tree, root = merkle.levels(leaves), merkle.root(leaves)
        for index, data in enumerate(leaves):
            assert merkle.root_of(data, index, size, merkle.path_in(tree, index)) == root


@given(st.data())
def test_no_other_leaf_place_or_path_leads_to_the_root(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 300))
    index = data.draw(st.integers(0, size - 1))
    leaves = many(size)
    root, path, own = merkle.root(leaves), merkle.path(leaves, index), leaves[index]
    assert merkle.root_of(own, index, size, path) == root
    other = data.draw(st.integers(-1, size).filter(lambda n: n != index))
    assert merkle.root_of(own, other, size, path) != root
    stranger = data.draw(st.one_of(st.binary(), st.sampled_from([*leaves, *path]))) or b"?"
    if stranger != own:
        assert merkle.root_of(stranger, index, size, path) != root
    at = data.draw(st.integers(0, len(path)))
    step = data.draw(st.sampled_from([*leaves, *path, root]))
    put_in = [*path[:at], step, *path[at:]]
    assert merkle.root_of(own, index, size, put_in) != root
    if path:
        at = min(at, len(path) - 1)
        assert merkle.root_of(own, index, size, path[:at] + path[at + 1 :]) != root
        if step != path[at]:
            assert merkle.root_of(own, index, size, [*path[:at], step, *path[at + 1 :]]) != root


def test_a_node_cannot_pass_for_a_leaf() -> None:
    """What the two prefixes are for: else the inside of a tree were a list of fewer, made-up events."""
    leaves = many(4)
    above = [merkle.node(merkle.leaf(leaves[n]), merkle.leaf(leaves[n + 1])) for n in (0, 2)]
    assert merkle.root(above) != merkle.root(leaves)


def test_a_path_alone_does_not_tell_how_many_there_were_so_what_is_stamped_does() -> None:
    leaves = many(3)
    path, root = merkle.path(leaves, 0), merkle.root(leaves)
    assert merkle.root_of(leaves[0], 0, 4, path) == root
    assert head("org-1", "2026-11-22", 3, root) != head("org-1", "2026-11-22", 4, root)
    assert head("org-1", "2026-11-22", 3, root) != head("org-2", "2026-11-22", 3, root)


def test_a_place_that_the_list_has_not_is_no_place() -> None:
    for index in (-1, 3):
        with pytest.raises(IndexError):
            merkle.path(many(3), index)
