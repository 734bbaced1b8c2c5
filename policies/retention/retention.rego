# METADATA
# title: Retention
# description: What becomes of the versions of a retention class. A class that is out of form is not there.
package holdfast.retention

# METADATA
# description: The lock of the configuration, which every class is at least as strong as.
_floor := data.holdfast.config.lock

# METADATA
# title: Retention classes
# description: By name, with the stronger of what the class asks for and what the operator configured.
# entrypoint: true
classes[name] := terms(class) if {
	some name, class in data.holdfast.defaults.retention_classes
}

# METADATA
# title: Terms of a class
# description: Undefined where a part is missing or of another type.
terms(class) := {
	"mode": stronger_mode(class.mode, _floor.mode),
	"days": max([class.days, _floor.days]),
	"versions": class.versions,
	"minimumDays": class.minimum_days,
	"erasable": object.get(class, "erasable", false),
} if {
	every number in [class.days, _floor.days, class.versions, class.minimum_days] { is_number(number) }
}

# METADATA
# title: Stronger lock mode
# description: COMPLIANCE if either is; undefined for what is no mode.
stronger_mode(a, b) := "COMPLIANCE" if "COMPLIANCE" in {a, b}

stronger_mode("GOVERNANCE", "GOVERNANCE") := "GOVERNANCE"
