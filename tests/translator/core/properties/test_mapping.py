import json
import pickle
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.translator.messages import NOW, track
from tests.translator.test_cli import cli
from translator import MappingError, PropertyMap, Rules, Settings, translate
from translator.core.properties.mapping import STANDARD

HOW_TO = Path(__file__).parents[4] / "docs" / "how-to" / "mapping.md"
SETTINGS = Settings(token="T")
CONTEXT = {
    "app": {"version": "2.1", "build": "77"},
    "os": {"name": "iOS", "version": "17"},
    "device": {"type": "iOS", "model": "iPhone 15"},
    "page": {"url": "https://northwind.example/pricing", "path": "/pricing"},
    "campaign": {"name": "spring", "id": "c-9"},
}


def event(file: Any, context: Any = CONTEXT, **fields: Any) -> dict[str, Any]:
    """The properties of the event of a track call under a mapping file."""
    result = translate(
        track(context=context, **fields), SETTINGS, now=NOW, mapping=PropertyMap.from_json(file)
    )
    (operation,) = result.operations
    properties: dict[str, Any] = operation.payload["properties"]
    return properties


def profile(file: Any, traits: Any, context: Any = CONTEXT, **fields: Any) -> dict[str, Any]:
    """What an identify call sets under a mapping file."""
    call = {"type": "identify", "userId": "u-1", "traits": traits, "context": context, **fields}
    result = translate(call, SETTINGS, now=NOW, mapping=PropertyMap.from_json(file))
    values: dict[str, Any] = result.operations[0].payload["$set"]
    return values


def changes(file: Any, **fields: Any) -> dict[str, Any]:
    """What a mapping file changes on an event: property -> value, None where it is gone."""
    before, after = event({}, **fields), event(file, **fields)
    return {name: after.get(name) for name in before | after if before.get(name) != after.get(name)}


def test_a_row_is_added() -> None:
    """A new property comes from any place in the context."""
    assert changes({"events": {"$path": "context.page.path"}}) == {"$path": "/pricing"}


def test_a_row_is_taken_away() -> None:
    """With null a property is no longer made, and everything else is."""
    assert changes({"events": {"$current_url": None}}) == {"$current_url": None}


def test_a_row_gets_another_source() -> None:
    """The new source takes the place of the standard one."""
    assert changes({"events": {"$app_version": "context.app.build"}}) == {"$app_version": "77"}


def test_a_source_in_the_campaign() -> None:
    """utm properties are rows as well."""
    file = {"events": {"utm_id": "context.campaign.id", "utm_campaign": None}}
    assert changes(file) == {"utm_id": "c-9", "utm_campaign": None}


def test_a_property_of_the_call_is_renamed() -> None:
    """A property of the call, in any spelling, goes under the new name."""
    fields = {"properties": {"Search Query": "kiln", "referrer": "r"}}
    file = {"events": {"$search_engine": "properties.searchQuery", "$referrer": None}}
    assert changes(file, **fields) == {
        "Search Query": None,
        "$search_engine": "kiln",
        "$referrer": None,
        "referrer": "r",
    }


@pytest.mark.parametrize("sources", [["context.os.kind", "context.app.name", "context.os.name"]])
def test_of_several_sources_the_first_that_is_there_counts(sources: list[str]) -> None:
    """A list is an order of preference, wherever in the context its sources are."""
    file = {"devices": {"$os": sources}}
    for missing, expected in ((0, "kind"), (1, "app"), (2, "iOS")):
        context: dict[str, Any] = {"os": {"name": "iOS"}, "app": {}}
        if missing < 2:
            context["app"]["name"] = "app"
        if missing < 1:
            context["os"]["kind"] = "kind"
        assert event(file, context)["$os"] == expected


def test_of_several_campaign_sources_a_gap_does_not_count() -> None:
    """A campaign that lacks the first source gives the second."""
    file = {"events": {"utm_campaign": ["context.campaign.title", "context.campaign.name"]}}
    assert changes(file) == {}
    context = {"campaign": {"title": "t", "name": "n"}}
    assert event(file, context)["utm_campaign"] == "t"


def test_devices_concern_profiles_too() -> None:
    """A row of `devices` acts on events and on profiles."""
    file = {"devices": {"$os": None, "os": "context.os.name"}}
    assert changes(file) == {"$os": None, "os": "iOS"}
    found = profile(file, {})
    assert found["os"] == "iOS"
    assert "$os" not in found


def test_rows_for_a_type_of_device() -> None:
    """Rows of a type act on its devices only and go before those of any device."""
    file = {"iOS": {"$ios_version": None, "$model": "context.device.type"}}
    assert changes(file) == {"$ios_version": None, "$model": "iOS"}
    android = {**CONTEXT, "device": {"type": "android", "model": "Pixel 9"}}
    assert changes(file, context=android) == {}


def test_a_special_trait_comes_from_another_trait() -> None:
    """The property keeps its way of being read: a date stays a date, a phone a phone."""
    file = {"traits": {"$created": "traits.signedUpAt", "$phone": "traits.mobile"}}
    found = profile(file, {"signed_up_at": "2024-01-02", "Mobile": "555", "phone": "1"})
    assert found["$created"] == "2024-01-02T00:00:00"
    assert found["$phone"] == "555"
    assert found["phone"] == "1"
    assert {"signed_up_at", "Mobile"}.isdisjoint(found)


def test_a_special_trait_is_taken_away() -> None:
    """The trait then goes under its own name, and the property is not derived either."""
    file = {"traits": {"$email": None, "$first_name": None}}
    found = profile(file, {"email": "a@b.example", "name": "Ann Lee"}, userId="c@d.example")
    assert (
        found["email"],
        found["$name"],
        found["$last_name"],
    ) == ("a@b.example", "Ann Lee", "Lee")
    assert {"$email", "$first_name"}.isdisjoint(found)
    assert "$email" not in profile(file, {}, userId="c@d.example")


def test_a_special_trait_of_ones_own() -> None:
    """A new property takes a trait in any spelling, and reaches the profile like special ones."""
    file = {"traits": {"$company": "traits.companyName"}}
    assert profile(file, {"company_name": "Acme"})["$company"] == "Acme"
    settings = Settings(token="T", setAllTraitsByDefault=False)
    call = {"type": "identify", "userId": "u", "traits": {"company_name": "Acme", "plan": "pro"}}
    result = translate(call, settings, now=NOW, mapping=PropertyMap.from_json(file))
    assert result.operations[0].payload["$set"] == {"$company": "Acme"}


def test_one_trait_gives_two_properties() -> None:
    """A trait that is special already can give a property of one's own besides."""
    file = {"traits": {"phone_number": "traits.phone"}}
    found = profile(file, {"phone": "555"})
    assert (found["$phone"], found["phone_number"]) == ("555", "555")
    assert "phone" not in found


def test_the_first_referrer_is_the_rules_unless_it_is_mapped() -> None:
    """The standard row needs its rule; a row of one's own does not."""
    call = track(context={"page": {"initial_referrer": "r", "first": "f"}})
    own = PropertyMap.from_json({"events": {"$initial_referrer": "context.page.first"}})
    for rules, mapping, expected in (
        (Rules.documented(), STANDARD, "r"),
        (Rules.observed(), STANDARD, None),
        (Rules.observed(), own, "f"),
    ):
        result = translate(call, SETTINGS, now=NOW, rules=rules, mapping=mapping)
        properties = result.operations[0].payload["properties"]
        assert properties.get("$initial_referrer") == expected


def test_the_standard_mapping_is_a_mapping_file() -> None:
    """What `mapping` prints changes nothing, and the rows survive a trip to another process."""
    assert PropertyMap.from_json(STANDARD.as_json()) == STANDARD
    copy = pickle.loads(pickle.dumps(STANDARD))
    assert (copy, hash(copy)) == (STANDARD, hash(STANDARD))


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ([], "a mapping must be an object of the sections events, devices"),
        ({"event": {}}, "unknown section 'event'; did you mean 'events'?"),
        ({"events": []}, "events must be an object: property to source"),
        ({"events": {"": "context.a.b"}}, "events: a property must be a name, not ''"),
        ({"events": {5: "context.a.b"}}, "events: a property must be a name, not 5"),
        ({"events": {"distinct_id": "context.a.b"}}, "events.distinct_id is reserved"),
        ({"events": {"$ap_version": None}}, "did you mean '$app_version'?"),
        ({"events": {"x": "context.app"}}, "must come from context.SECTION.KEY or properties.NAME"),
        ({"events": {"x": "context..a"}}, "events.x must come from context.SECTION.KEY"),
        ({"events": {"x": "traits.a"}}, "not 'traits.a'"),
        ({"events": {"x": []}}, "not []"),
        ({"events": {"x": ["context.a.b", 5]}}, "not 5"),
        ({"traits": {"$email": "email"}}, "traits.$email must come from traits.NAME"),
        ({"devices": {"$os": "properties.os"}}, "devices.$os must come from context.SECTION.KEY"),
    ],
)
def test_a_wrong_mapping_is_refused(file: Any, text: str) -> None:
    """The error names the section and the property and says what would do."""
    with pytest.raises(MappingError) as caught:
        PropertyMap.from_json(file)
    assert text in str(caught.value)


def test_the_example_in_the_docs_is_a_mapping_file() -> None:
    """The how-to page shows a file that can be used."""
    (example,) = re.findall(r"```yaml\n(.*?)```", HOW_TO.read_text(), re.DOTALL)
    assert PropertyMap.from_json(yaml.safe_load(example)) != STANDARD


def test_command_line(tmp_path: Path) -> None:
    """`--mapping` takes a YAML or JSON file; a wrong one ends the program with status 2."""
    settings, mapping = tmp_path / "settings.json", tmp_path / "mapping.yaml"
    settings.write_text('{"token": "T"}')
    mapping.write_text("events: {$path: context.page.path}\n")
    arguments = ("translate", "--settings", settings, "--mapping", mapping)
    text = json.dumps(track(context=CONTEXT)) + "\n"
    done = cli(*arguments, "--now", "2026-06-15T12:00:00Z", text=text)
    assert json.loads(done.stdout)["operations"][0]["payload"]["properties"]["$path"] == "/pricing"
    mapping.write_text("evnts: {}\n")
    done = cli(*arguments, text=text)
    assert done.returncode == 2
    assert "mapping.yaml: unknown section 'evnts'; did you mean 'events'?" in done.stderr


def test_the_mapping_in_force_is_printed(tmp_path: Path) -> None:
    """`mapping` prints the standard tables, or with `--mapping` the changed ones."""
    assert STANDARD.as_json() == yaml.safe_load(cli("mapping").stdout)
    file = tmp_path / "mapping.json"
    file.write_text('{"traits": {"$phone": null}}')
    assert "$phone" not in yaml.safe_load(cli("mapping", "--mapping", file).stdout)["traits"]
