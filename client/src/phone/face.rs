//! The enrolled template of a face on a phone: what a sensor made and the cluster has a commitment of.
//!
//! | file | mode | content |
//! |---|---|---|
//! | `face.json` | 0600 | template, blinding, model, and where the (software) sensor is |
//! | `face.next` | 0600 | the same while an enrolment is under way |
//!
//! Which of the two is enrolled is what a checked notice says: its commitment decides.

use std::fmt;
use std::path::{Path, PathBuf};

use akashi_proof::{TemplateCommitment, TemplateOpening};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::PhoneDirectory;
use crate::error::Error;
use crate::files;
use crate::hexadecimal::{HexBytes, Secret, read_json, to_json};
use crate::sensor::Captured;

const ENROLLED: &str = "face.json";
const NEXT: &str = "face.next";

/// The file form of a template.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Form {
    sensor: PathBuf,
    model_id: String,
    template: HexBytes,
    blinding: Secret,
}

impl Drop for Form {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.template.0);
    }
}

/// A template on this phone.
pub struct StoredFace {
    pub(super) sensor: PathBuf,
    pub(super) model_id: String,
    pub(super) opening: TemplateOpening,
}

impl fmt::Debug for StoredFace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredFace")
            .field("model_id", &self.model_id)
            .finish_non_exhaustive()
    }
}

impl StoredFace {
    /// Where the phone's software sensor is.
    #[must_use]
    pub fn sensor(&self) -> &Path {
        &self.sensor
    }

    /// The model of the template.
    #[must_use]
    pub fn model_id(&self) -> &str {
        &self.model_id
    }
}

impl PhoneDirectory {
    /// The template that this phone believes to be enrolled, if there is one.
    ///
    /// # Errors
    ///
    /// [`Error::File`], [`Error::Malformed`].
    pub fn face(&self) -> Result<Option<StoredFace>, Error> {
        self.read_face(ENROLLED)
    }

    /// Keeps a captured template before it is sent.
    pub(super) fn write_next_face(&self, sensor: &Path, captured: &Captured) -> Result<(), Error> {
        let template = captured.opening.template();
        let form = Form {
            sensor: sensor.to_owned(),
            model_id: captured.model_id.clone(),
            template: HexBytes(template.iter().map(|entry| entry.cast_unsigned()).collect()),
            blinding: Secret::new(*captured.opening.blinding()),
        };
        let path = self.path().join(NEXT);
        files::replace_private(&path, &to_json(&form, &path)?)
    }

    /// The captured template is enrolled.
    pub(super) fn take_up_next_face(&self) -> Result<(), Error> {
        files::rename(&self.path().join(NEXT), &self.path().join(ENROLLED))
    }

    /// The template with this commitment; takes up the one under way if it is that.
    pub(super) fn settle_face(
        &self,
        enrolled: &TemplateCommitment,
    ) -> Result<Option<StoredFace>, Error> {
        let is = |face: &StoredFace| face.opening.commitment() == *enrolled;
        if let Some(face) = self.face()?.filter(is) {
            return Ok(Some(face));
        }
        let next = self.read_face(NEXT)?.filter(is);
        if next.is_some() {
            self.take_up_next_face()?;
        }
        Ok(next)
    }

    fn read_face(&self, name: &str) -> Result<Option<StoredFace>, Error> {
        let path = self.path().join(name);
        if !path.is_file() {
            return Ok(None);
        }
        let form: Form = read_json(&path)?;
        let template: Zeroizing<Vec<i8>> = Zeroizing::new(
            form.template
                .0
                .iter()
                .map(|byte| byte.cast_signed())
                .collect(),
        );
        let opening = TemplateOpening::from_parts(&template, form.blinding.expose())
            .map_err(|bad| Error::malformed(&path, bad.to_string()))?;
        Ok(Some(StoredFace {
            sensor: form.sensor.clone(),
            model_id: form.model_id.clone(),
            opening,
        }))
    }
}
