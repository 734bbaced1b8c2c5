package holdfast.sealing_test

import data.holdfast.sealing

config := {"sources": {
	"plain": {},
	"own": {"scope": "tenant-a", "format": "openpgp"},
}}

test_scope if {
	sealing.scope("plain", "internal") == "default" with data.holdfast.config as config
	sealing.scope("plain", "restricted") == "restricted" with data.holdfast.config as config
	sealing.scope("own", "restricted") == "tenant-a" with data.holdfast.config as config
	not sealing.scope("plain", "secret") with data.holdfast.config as config
}

test_format if {
	sealing.format("plain", "internal") == "sealed-v1" with data.holdfast.config as config
	sealing.format("own", "internal") == "openpgp" with data.holdfast.config as config
	sealing.format("plain", "internal") == "openpgp" with data.holdfast.config as object.union(config, {"format": "openpgp"})
	sealing.format("plain", "internal") == "openpgp" with data.holdfast.config as config
		with data.holdfast.defaults.classifications.internal.format as "openpgp"
}
