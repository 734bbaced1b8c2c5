# METADATA
# title: Admission
# description: |
#   Policy 1: may this content be backed up at all, and how? Of the file itself it is told the traits
#   (data.holdfast.traits). Every check is a helper that must hold; what is missing from the input or from the data makes
#   its helper undefined, and undefined denies.
# schemas:
#   - input: schema["admission-input"]
# related_resources:
#   - ref: https://www.openpolicyagent.org/docs/latest/policy-language
#     description: Rego v1
package holdfast.admission

import data.holdfast.reasons
import data.holdfast.retention as retention_classes
import data.holdfast.scanning
import data.holdfast.sealing

# METADATA
# description: The data the rules judge by.
_defaults := data.holdfast.defaults

# METADATA
# description: What is rendered from the configuration.
_config := data.holdfast.config

# METADATA
# description: The rules of the source asked about; undefined for an unknown one.
_source := _config.sources[input.source.name]

# METADATA
# title: Admission decision
# description: The whole answer; allowed only when not one reason denies.
# entrypoint: true
decision := {
	"allow": allow,
	"reasons": sort(deny),
	"classification": classification,
	"scope": scope,
	"retention": retention,
	"scan": {
		"required": scan_required,
		"allowTestSignatures": allow_test_signatures,
		"notScanned": not_scanned,
	},
	"format": format,
	"compression": compression,
	"destinations": sort(destinations),
}

# METADATA
# description: Whether not one reason denies.
default allow := false

allow if count(deny) == 0

# METADATA
# title: Complete input
# custom: { id: input_invalid }
deny contains reasons.reason("input_invalid") if {
	not input_valid
}

# METADATA
# title: Rendered configuration present
# custom: { id: config_missing }
deny contains reasons.reason("config_missing") if {
	not config_present
}

# METADATA
# title: Known source
# custom: { id: source_unknown }
deny contains reasons.reason("source_unknown") if not source_known

# METADATA
# title: Nothing of the file itself against it
# description: Its size, its name, its extension, its media type.
deny contains reason if some reason in input.traits.reasons

# METADATA
# title: Known retention class
# custom: { id: retention_unknown }
deny contains reasons.reason("retention_unknown") if not retention_known

# METADATA
# title: Known classification
# custom: { id: classification_unknown }
deny contains reasons.reason("classification_unknown") if {
	not classification_known
}

# METADATA
# title: A destination that may take it
# custom: { id: destination_none }
deny contains reasons.reason("destination_none") if {
	not destination_found
}

# METADATA
# description: Every fact of the question is there and in form.
input_valid if {
	input.gate == "admission"
	is_string(input.source.id)
	is_string(input.source.name)
	is_array(input.traits.reasons)
}

# METADATA
# description: The configuration has the parts that everything below rests on.
config_present if {
	_config.lock.mode in {"GOVERNANCE", "COMPLIANCE"}
	_config.lock.days >= 1
	is_object(_config.sources)
	is_object(_config.destinations)
}

# METADATA
# description: The source is configured.
source_known if is_object(_source)

# METADATA
# description: The data define the classification.
classification_known if is_object(_defaults.classifications[classification])

# METADATA
# description: The data define the retention class, in form.
retention_known if is_object(_retention_terms)

# METADATA
# description: At least one destination may take it.
destination_found if count(destinations) > 0

# METADATA
# title: Classification
# description: As the traits say; what nobody classified is treated as the most sensitive.
default classification := "restricted"

classification := input.traits.classification

# METADATA
# description: Key scope; the general one where nothing says which.
default scope := "default"

scope := sealing.scope(input.source.name, classification)

# METADATA
# description: How it is sealed.
default format := "sealed-v1"

format := sealing.format(input.source.name, classification)

# METADATA
# title: Retention
# description: The stronger of what the class asks for and what the operator configured.
default retention := {"class": "standard", "mode": "GOVERNANCE", "days": 1}

retention := {
	"class": _retention_class,
	"mode": _retention_terms.mode,
	"days": _retention_terms.days,
}

# METADATA
# description: The source's, else the classification's.
_retention_class := _source.retention_class if "retention_class" in object.keys(_source)

else := _class.retention_class

# METADATA
# description: What the retention class asks for.
_retention_terms := retention_classes.terms(_defaults.retention_classes[_retention_class])

# METADATA
# description: Whether it is scanned; only a source can turn that off.
default scan_required := true

scan_required := false if _source.scan == "off"

# METADATA
# description: What becomes of it where the scanner gives no verdict, by reason.
default not_scanned := {
	"too_large": "hold",
	"encrypted": "hold",
	"limits": "hold",
	"timeout": "hold",
	"scanner_error": "hold",
	"stale_signatures": "hold",
}

not_scanned := scanning.not_scanned(classification)

# METADATA
# description: Whether `clean` from the built-in signatures counts.
default allow_test_signatures := false

allow_test_signatures if scanning.builtin_signatures_allowed

# METADATA
# description: Algorithm and level; none for what is compressed already.
default compression := {"algorithm": "none", "level": 0}

compression := {"algorithm": _defaults.compression.algorithm, "level": compression_level} if {
	input.traits.compression in {"usual", "larger"}
}

# METADATA
# description: The data of the classification.
_class := _defaults.classifications[classification]

# METADATA
# description: What is set for the source counts before what its classification asks for, and that before the size.
compression_level := _source.compression_level if "compression_level" in object.keys(_source)

else := _class.compression_level if "compression_level" in object.keys(_class)

else := _defaults.compression.larger.level if input.traits.compression == "larger"

else := _defaults.compression.level

# METADATA
# description: Names of the destinations that may take the classification and lie where it may rest.
destinations contains name if {
	some name, destination in _config.destinations
	name in object.get(_source, "destinations", object.keys(_config.destinations))
	classification in destination.classifications
	classification in object.get(_defaults.destinations, [name, "classifications"], destination.classifications)
	_jurisdiction_allowed(destination.jurisdiction)
}

# METADATA
# description: |
#   Whether the classification may rest there; `*` is anywhere.
_jurisdiction_allowed(_) if "*" in _defaults.classifications[classification].jurisdictions

_jurisdiction_allowed(jurisdiction) if jurisdiction in _defaults.classifications[classification].jurisdictions
