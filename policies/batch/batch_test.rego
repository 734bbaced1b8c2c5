package holdfast.batch_test

import data.holdfast.batch

facts := {"gate": "admission", "source": {"id": "s", "name": "home"}}

file(name, type) := {
	"entry": {"path": name, "name": name, "extension": ""},
	"content": {
		"sizeBytes": 1,
		"mediaType": type,
		"sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	},
}

config := {
	"lock": {"mode": "GOVERNANCE", "days": 1},
	"sources": {
		"home": {"admission": {"deny_names": ["*.nope"]}, "release": {"deny_names": ["*.stay"]}},
		"other": {"classification": "public"},
	},
	"destinations": {"local": {"jurisdiction": "local", "classifications": ["internal"]}},
	"openpgp_recipients": [],
	"format": "sealed-v1",
	"allow_test_signatures": false,
}

admissions(groups) := answers if {
	answers := batch.admissions with data.holdfast.config as config with input as {"groups": groups}
}

# What each file is answered; undefined where two answers are about it.
by_file(answers) := {id: answer.decision | some answer in answers; some id in answer.files}

test_files_that_differ_in_no_trait_share_a_decision if {
	files := {
		"0": file("a.txt", "text/plain"),
		"1": file("x.nope", "text/plain"),
		"2": {"entry": {"path": "b", "name": "b", "extension": ""}},
		"3": file("c.csv", "text/csv"),
		"4": file("id_rsa", "text/plain"),
		"5": file("photo.jpg", "image/jpeg"),
	}
	answers := admissions([{"facts": facts, "files": files}])
	{answer.files | some answer in answers} == {["0", "3"], ["1"], ["2"], ["4"], ["5"]}
	together := by_file(answers)
	every id, asked in files {
		alone := by_file(admissions([{"facts": facts, "files": {id: asked}}]))
		together[id] == alone[id]
	}
	together["0"].allow
	not together["1"].allow
	not together["2"].allow
	not together["4"].allow
	together["5"].compression.algorithm == "none"
}

test_files_of_another_group_are_judged_by_its_facts if {
	found := by_file(admissions([
		{"facts": facts, "files": {"0": file("a.txt", "text/plain")}},
		{"facts": object.union(facts, {"source": {"name": "other"}}), "files": {"1": file("a.txt", "text/plain")}},
		{"facts": {"gate": "admission"}, "files": {"2": file("a.txt", "text/plain")}},
	]))
	found["0"].classification == "internal"
	found["1"].classification == "public"
	found["2"].allow == false
}

test_release_of_what_lacks_facts_is_denied_under_its_id if {
	answers := batch.releases with data.holdfast.config as config
		with input as {"groups": [{"facts": {}, "files": {"7": {}}}]}
	object.keys(by_file(answers)) == {"7"}
	not by_file(answers)["7"].allow
}

test_release_tells_names_that_stay_from_others if {
	asked := {"facts": {"source": {"name": "home"}}, "files": {
		"0": file("a", "text/plain"),
		"1": file("a.stay", "text/plain"),
		"2": file("b", "image/png"),
	}}
	answers := batch.releases with data.holdfast.config as config with input as {"groups": [asked]}
	{answer.files | some answer in answers} == {["0", "2"], ["1"]}
	ids := {id: {reason.id | some reason in decision.reasons} | some id, decision in by_file(answers)}
	"name_denied" in ids["1"]
	not "name_denied" in ids["0"]
}

test_nothing_asked_is_nothing_answered if {
	batch.admissions == set() with input as {"groups": []}
	batch.releases == set() with input as {}
}
