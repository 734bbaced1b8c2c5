package holdfast.retention_test

import data.holdfast.retention

lock := {"mode": "GOVERNANCE", "days": 7}

archive := {"mode": "COMPLIANCE", "days": 3650, "versions": 1, "minimum_days": 3650, "erasable": true}

classes(defined, floor) := found if {
	found := retention.classes with data.holdfast.defaults.retention_classes as defined
		with data.holdfast.config.lock as floor
}

test_standard_class if {
	found := retention.classes with data.holdfast.config.lock as lock
	found == {"standard": {
		"mode": "GOVERNANCE",
		"days": 7,
		"versions": 10,
		"minimumDays": 30,
		"erasable": false,
	}}
}

test_stronger_class_stays if classes({"archive": archive}, lock) == {"archive": {
	"mode": "COMPLIANCE",
	"days": 3650,
	"versions": 1,
	"minimumDays": 3650,
	"erasable": true,
}}

test_configured_lock_is_a_floor if {
	found := classes({"short": object.union(archive, {"mode": "GOVERNANCE", "days": 1})}, {"mode": "COMPLIANCE", "days": 9})
	found.short.mode == "COMPLIANCE"
	found.short.days == 9
}

test_class_out_of_form_is_not_there if {
	every part in ["mode", "days", "versions", "minimum_days"] {
		classes({"archive": json.remove(archive, [part])}, lock) == {}
	}
	classes({"archive": object.union(archive, {"days": "9"})}, lock) == {}
	classes({"archive": object.union(archive, {"mode": "LEGAL"})}, lock) == {}
}

test_nothing_without_configuration if classes({"archive": archive}, {}) == {}
