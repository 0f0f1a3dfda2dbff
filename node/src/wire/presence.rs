//! Words of presence, in both languages.

use akashi_presence::{Action, Class};
use akashi_proto::v1;

use super::Malformed;

/// What a sensor says of one sample.
///
/// # Errors
///
/// [`Malformed`] if it says nothing.
pub const fn sample_class(class: v1::SampleClass) -> Result<Class, Malformed> {
    match class {
        v1::SampleClass::Unspecified => Err(Malformed { field: "class" }),
        v1::SampleClass::Match => Ok(Class::Match),
        v1::SampleClass::NoMatch => Ok(Class::NoMatch),
        v1::SampleClass::NoFace => Ok(Class::NoFace),
        v1::SampleClass::Several => Ok(Class::Several),
        v1::SampleClass::Occluded => Ok(Class::Occluded),
        v1::SampleClass::Lost => Ok(Class::Lost),
    }
}

/// What the rule has a screen do.
#[must_use]
pub const fn rule_action(action: Action) -> v1::ScreenAction {
    match action {
        Action::Show => v1::ScreenAction::Show,
        Action::Mask => v1::ScreenAction::Mask,
        Action::Clear => v1::ScreenAction::Clear,
        Action::Blackout => v1::ScreenAction::Blackout,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_classes_are_the_same_on_the_wire() {
        for class in Class::ALL {
            let wire = v1::SampleClass::try_from(i32::from(class.code())).unwrap();
            assert_eq!(sample_class(wire), Ok(class));
        }
        assert!(sample_class(v1::SampleClass::Unspecified).is_err());
    }
}
