package holdfast.admission_test

import data.holdfast.batch
import data.holdfast.traits

question := {
	"gate": "admission",
	"source": {"id": "0123456789abcdef0123456789abcdef", "name": "home"},
	"entry": {"path": "docs/plan.odt", "name": "plan.odt", "extension": "odt"},
	"content": {
		"sizeBytes": 1234,
		"mediaType": "text/plain",
		"sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	},
}

every_class := ["public", "internal", "confidential", "restricted"]

config := {
	"lock": {"mode": "GOVERNANCE", "days": 1},
	"allow_test_signatures": false,
	"sources": {"home": {}},
	"destinations": {
		"local": {"jurisdiction": "local", "classifications": every_class},
		"abroad": {"jurisdiction": "US", "region": "us-east-1", "classifications": ["public", "internal"]},
	},
}

# As the program asks: the gate sees the traits of the file, and not the file.
decide(asked, config_value) := decision if {
	group := {
		"facts": object.remove(asked, ["entry", "content"]),
		"files": {"0": object.filter(asked, ["entry", "content"])},
	}
	answers := batch.admissions with input as {"groups": [group]}
		with data.holdfast.config as config_value
	some {"files": ["0"], "decision": decision} in answers
}

patched(path, value) := json.patch(question, [{"op": "add", "path": path, "value": value}])

with_source(source) := object.union(config, {"sources": {"home": source}})

ids(decision) := {reason.id | some reason in decision.reasons}

# The whole answer, so that a change of any default is seen here.
test_ordinary_file_is_admitted if decide(question, config) == {
	"allow": true,
	"reasons": [],
	"classification": "internal",
	"scope": "default",
	"retention": {"class": "standard", "mode": "GOVERNANCE", "days": 1},
	"scan": {
		"required": true,
		"allowTestSignatures": false,
		"notScanned": {
			"too_large": "allow",
			"encrypted": "hold",
			"limits": "hold",
			"timeout": "retry",
			"scanner_error": "retry",
			"stale_signatures": "retry",
		},
	},
	"format": "sealed-v1",
	"compression": {"algorithm": "zstd", "level": 3},
	"destinations": ["abroad", "local"],
}

format_of(source, config_value) := decide(question, object.union(config_value, {"sources": {"home": source}})).format

test_format_of_the_source_then_of_the_classification_then_of_the_configuration if {
	openpgp := object.union(config, {"format": "openpgp"})
	format_of({}, openpgp) == "openpgp"
	format_of({"format": "sealed-v1"}, openpgp) == "sealed-v1"
	format_of({"format": "openpgp"}, config) == "openpgp"
	classifications := object.union(data.holdfast.defaults.classifications, {"restricted": {"format": "openpgp"}})
	format_of({"classification": "restricted"}, config) == "openpgp" with data.holdfast.defaults.classifications as classifications
	format_of({"classification": "internal"}, config) == "sealed-v1" with data.holdfast.defaults.classifications as classifications
}

test_default_denies_no_ordinary_file if {
	every size in [0, 1, 8388608, 2147483648, 1099511627776, 9007199254740991] {
		decide(patched("/content/sizeBytes", size), config).allow
	}
	every media_type in ["application/octet-stream", "application/x-executable", "application/zip", "video/mp4", ""] {
		decide(patched("/content/mediaType", media_type), config).allow
	}
	every name in ["a", ".hidden", "a\nb", "\uFFFD", "[", "*", "virus.exe", ".env", "id_rsa", " "] {
		decide(patched("/entry", {"path": name, "name": name, "extension": ""}), config).allow
	}
}

test_every_missing_fact_denies if {
	paths := [path | some path; walk(question, [path, _]); count(path) > 0]
	count(paths) == 12
	every path in paths {
		decide(json.remove(question, [concat("/", path)]), config).allow == false
	}
}

test_every_fact_of_wrong_type_denies if {
	leaves := [path | some path; walk(question, [path, value]); not is_object(value)]
	every path in leaves {
		pointer := sprintf("/%s", [concat("/", path)])
		decide(patched(pointer, null), config).allow == false
		decide(patched(pointer, {"a": 1}), config).allow == false
	}
}

test_no_input_denies if decide({}, config).allow == false

test_question_of_the_other_gate if ids(decide(patched("/gate", "release"), config)) == {"input_invalid"}

test_no_configuration_denies if {
	decision := decide(question, {})
	not decision.allow
	"config_missing" in ids(decision)
	"destination_none" in ids(decision)
	decision.retention == {"class": "standard", "mode": "GOVERNANCE", "days": 1}
}

test_every_missing_part_of_the_configuration_denies if {
	every part in ["lock", "sources", "destinations", "lock/mode", "lock/days"] {
		not decide(question, json.remove(config, [part])).allow
	}
}

test_unknown_source if "source_unknown" in ids(decide(patched("/source/name", "elsewhere"), config))

test_negative_size if "size_over_limit" in ids(decide(patched("/content/sizeBytes", -1), config))

test_fractional_size if "size_over_limit" in ids(decide(patched("/content/sizeBytes", 1.5), config))

test_size_over_global_limit if {
	ids(decide(patched("/content/sizeBytes", 9007199254740992), config)) == {"size_over_limit"}
}

test_size_over_limit_of_the_source if {
	limited := with_source({"admission": {"max_size_bytes": 1234}})
	decide(question, limited).allow
	ids(decide(patched("/content/sizeBytes", 1235), limited)) == {"size_over_limit"}
}

test_media_type_denied_by_source if {
	denying := with_source({"admission": {"deny_media_types": ["text/*"]}})
	ids(decide(question, denying)) == {"media_type_denied"}
}

test_name_denied_by_source if {
	ids(decide(question, with_source({"admission": {"deny_names": ["*.tmp", "*.odt"]}}))) == {"name_denied"}
	ids(decide(question, with_source({"admission": {"deny_names": ["docs/**"]}}))) == {"name_denied"}
	decide(question, with_source({"admission": {"deny_names": ["*.tmp"]}})).allow
}

test_invalid_pattern_denies if ids(decide(question, with_source({"admission": {"deny_names": ["["]}}))) == {"name_denied"}

test_rules_of_another_source_do_not_apply if {
	decide(question, object.union(config, {"sources": {"other": {"admission": {"deny_names": ["*"]}}}})).allow
}

test_secret_looking_names_are_confidential if {
	every name in ["id_ed25519", "ID_RSA", ".env", ".env.local"] {
		decide(patched("/entry", {"path": name, "name": name, "extension": ""}), config).classification == "confidential"
	}
	every extension in ["pem", "kdbx"] {
		decide(patched("/entry/extension", extension), config).classification == "confidential"
	}
}

test_confidential_stays_out_of_destinations_that_may_not_take_it if {
	decide(patched("/entry/name", "id_rsa"), config).destinations == ["local"]
}

test_scan_is_required_unless_the_source_says_otherwise if {
	decide(question, config).scan.required == true
	decide(question, with_source({"scan": "off"})).scan.required == false
	decide(question, with_source({"scan": "never"})).scan.required == true
}

test_source_fixes_classification if {
	decision := decide(patched("/entry/name", "id_rsa"), with_source({"classification": "restricted"}))
	decision.allow
	decision.classification == "restricted"
	decision.scope == "restricted"
	decision.scan.notScanned.too_large == "hold"
	decision.destinations == ["local"]
}

test_unknown_classification if {
	decision := decide(question, with_source({"classification": "secret"}))
	not decision.allow
	"classification_unknown" in ids(decision)
	decision.scan.notScanned.too_large == "hold"
}

test_source_chooses_scope if decide(question, with_source({"scope": "tenant-a"})).scope == "tenant-a"

test_source_chooses_destinations if {
	decide(question, with_source({"destinations": ["local"]})).destinations == ["local"]
	ids(decide(question, with_source({"destinations": ["nowhere"]}))) == {"destination_none"}
}

test_no_destination_in_an_accepted_jurisdiction if {
	classifications := object.union(data.holdfast.defaults.classifications, {"internal": {"jurisdictions": ["local"]}})
	decision := decide(question, config) with data.holdfast.defaults.classifications as classifications
	decision.destinations == ["local"]
}

test_configured_lock_is_a_floor if {
	stronger := object.union(config, {"lock": {"mode": "COMPLIANCE", "days": 30}})
	decide(question, stronger).retention == {"class": "standard", "mode": "COMPLIANCE", "days": 30}
}

test_lock_of_the_class_is_a_floor if {
	strict := {"standard": {"mode": "COMPLIANCE", "days": 365, "versions": 1, "minimum_days": 0}}
	decision := decide(question, config) with data.holdfast.defaults.retention_classes as strict
	decision.retention == {"class": "standard", "mode": "COMPLIANCE", "days": 365}
}

test_lock_of_no_days_denies if {
	ids(decide(question, object.union(config, {"lock": {"days": 0}}))) == {"config_missing"}
}

test_test_signatures_only_on_request if {
	decide(question, object.union(config, {"allow_test_signatures": true})).scan.allowTestSignatures == true
}

test_compressed_media_is_stored_as_it_is if {
	every media_type in [
		"image/jpeg",
		"video/x-matroska",
		"application/zip",
		"application/java-archive",
		"application/vnd.oasis.opendocument.text",
		"application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	] {
		decision := decide(patched("/content/mediaType", media_type), config)
		decision.compression == {"algorithm": "none", "level": 0}
	}
}

test_large_content_is_compressed_faster if {
	large := patched("/content/sizeBytes", 1073741825)
	decide(large, config).compression == {"algorithm": "zstd", "level": 1}
	decide(patched("/content/sizeBytes", 1073741824), config).compression.level == 3
}

test_level_of_a_classification_counts_before_the_size if {
	large := patched("/content/sizeBytes", 1073741825)
	decision := decide(large, config) with data.holdfast.defaults.classifications.internal.compression_level as 9
	decision.compression.level == 9
}

test_level_of_a_source_counts_before_all_others if {
	decision := decide(question, with_source({"compression_level": 19})) with data.holdfast.defaults.classifications.internal.compression_level as 9
	decision.compression == {"algorithm": "zstd", "level": 19}
}

classified(rules, asked) := found if {
	found := traits.explanation.by with input as asked
		with data.holdfast.config as config
		with data.holdfast.defaults.classify as rules
}

test_what_no_rule_names_has_the_default if {
	classified({}, question) == {"rule": "default", "classification": "internal"}
	classified({"a": {"classification": "public", "names": ["other"]}}, question).rule == "default"
}

test_each_condition_classifies if {
	every condition in [
		{"sources": ["home"]},
		{"names": ["plan.odt"]},
		{"extensions": ["odt", "ods"]},
		{"patterns": ["plan*"]},
		{"patterns": ["docs/**"]},
		{"media_types": ["text/*"]},
		{"larger_than_bytes": 1233},
		{"smaller_than_bytes": 1235},
	] {
		rule := object.union({"classification": "confidential"}, condition)
		classified({"r": rule}, question) == {"rule": "r", "classification": "confidential"}
	}
}

test_a_condition_that_does_not_hold_does_not_classify if {
	every condition in [
		{"sources": ["other"]},
		{"names": ["plan"]},
		{"extensions": ["pdf"]},
		{"patterns": ["plan"]},
		{"patterns": ["plans/**"]},
		{"media_types": ["image/*"]},
		{"larger_than_bytes": 1234},
		{"smaller_than_bytes": 1234},
	] {
		# All of a rule must hold, so one more condition that does hold changes nothing.
		rule := object.union({"classification": "confidential", "sources": ["home"]}, condition)
		classified({"r": rule}, question).rule == "default"
	}
}

test_rules_compare_in_lower_case if {
	asked := patched("/entry", {"path": "RH/Fiche.PDF", "name": "Fiche.PDF", "extension": "pdf"})
	classified({"r": {"classification": "restricted", "patterns": ["rh/**/*.pdf", "rh/*.pdf"]}}, asked).rule == "r"
}

test_highest_of_several_rules_counts if {
	rules := {
		"a": {"classification": "public", "extensions": ["odt"]},
		"c": {"classification": "confidential", "extensions": ["odt"]},
		"b": {"classification": "confidential", "names": ["plan.odt"]},
	}
	classified(rules, question) == {"rule": "b", "classification": "confidential"}
}

test_classifications_of_equal_rank_do_not_contradict if {
	classified({"a": {"classification": "public", "extensions": ["odt"]}, "b": {"classification": "internal", "extensions": ["odt"]}}, question) == {
		"rule": "a",
		"classification": "public",
	} with data.holdfast.defaults.classifications.public.rank as 1
}

test_rule_below_the_default_counts if {
	classified({"a": {"classification": "public", "patterns": ["docs/**"]}}, question).classification == "public"
}

test_rule_that_cannot_be_understood_might_mean_everything if {
	classified({"a": {"classification": "public", "patterns": ["["]}}, question) == {
		"rule": "incomprehensible",
		"classification": "restricted",
	}
	classified({"a": {"classification": "public", "media_types": ["["]}}, question).classification == "restricted"
}

test_source_says_what_gave_the_classification if {
	found := traits.explanation.by with input as question
		with data.holdfast.config as with_source({"classification": "public"})
	found == {"rule": "source", "classification": "public"}
}

test_extension_denied if {
	ids(decide(question, with_source({"admission": {"deny_extensions": ["odt"]}}))) == {"extension_denied"}
	ids(decide(question, config)) == {"extension_denied"} with data.holdfast.defaults.limits.deny_extensions as ["odt"]
	decide(question, with_source({"admission": {"deny_extensions": ["ods"]}})).allow
}

test_name_denied_everywhere if {
	ids(decide(question, config)) == {"name_denied"} with data.holdfast.defaults.limits.deny_names as ["*.odt"]
}

test_media_type_denied_everywhere if {
	ids(decide(question, config)) == {"media_type_denied"} with data.holdfast.defaults.limits.deny_media_types as ["text/*"]
}

test_limits_of_wrong_type_deny if {
	every part in ["max_size_bytes", "deny_media_types", "deny_names", "deny_extensions"] {
		every value in [null, "text", {"a": 1}] {
			not decide(question, config).allow with data.holdfast.defaults.limits as {part: value}
		}
	}
}

test_size_over_limit_of_the_classification if {
	ids(decide(question, config)) == {"size_over_limit"} with data.holdfast.defaults.classifications.internal.max_size_bytes as 1233
	decide(question, config).allow with data.holdfast.defaults.classifications.internal.max_size_bytes as 1234
}

test_source_chooses_retention_class if {
	archive := {"mode": "COMPLIANCE", "days": 3650, "versions": 1, "minimum_days": 1}
	classes := object.union(data.holdfast.defaults.retention_classes, {"archive": archive})
	decision := decide(question, with_source({"retention_class": "archive"})) with data.holdfast.defaults.retention_classes as classes
	decision.retention == {"class": "archive", "mode": "COMPLIANCE", "days": 3650}
	ids(decide(question, with_source({"retention_class": "archive"}))) == {"retention_unknown"}
}

test_destination_takes_what_its_data_says if {
	decision := decide(question, config) with data.holdfast.defaults.destinations as {"abroad": {"classifications": ["public"]}}
	decision.destinations == ["local"]
}
