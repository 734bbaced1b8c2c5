package holdfast.batch_test

import data.holdfast.batch

good := {
	"gate": "admission",
	"source": {"id": "s", "name": "home"},
	"entry": {"path": "a.txt", "name": "a.txt", "extension": "txt"},
	"content": {
		"sizeBytes": 1,
		"mediaType": "text/plain",
		"sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	},
}

config := {
	"lock": {"mode": "GOVERNANCE", "days": 1},
	"sources": {"home": {"admission": {"deny_names": ["*.nope"]}}},
	"destinations": {"local": {"jurisdiction": "local", "classifications": ["internal"]}},
	"openpgp_recipients": [],
	"format": "sealed-v1",
	"allow_test_signatures": false,
}

named(name) := object.union(good, {"entry": {"path": name, "name": name, "extension": ""}})

test_each_item_is_judged_by_itself if {
	items := {"0": good, "1": named("x.nope"), "2": {"gate": "admission"}}
	answers := batch.admissions with data.holdfast.config as config with input as {"items": items}
	alone := {id: decision |
		some id, item in items
		decision := data.holdfast.admission.decision with data.holdfast.config as config with input as item
	}
	answers == alone
	answers["0"].allow
	not answers["1"].allow
	not answers["2"].allow
}

test_release_of_what_lacks_facts_is_denied_under_its_id if {
	answers := batch.releases with data.holdfast.config as config with input as {"items": {"7": {}}}
	object.keys(answers) == {"7"}
	not answers["7"].allow
}

test_nothing_asked_is_nothing_answered if {
	batch.admissions == {} with input as {"items": {}}
	batch.releases == {} with input as {}
}
