//! The published language as one page of text: whoever changes a field, a number or a method sees it
//! here, and so does the reviewer.

use std::fmt::Write as _;

use akashi_node::api::auth::{Flow, find};
use expect_test::expect_file;
use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};

#[test]
fn the_surface_is_the_one_that_was_agreed() {
    let set = FileDescriptorSet::decode(akashi_proto::DESCRIPTORS).unwrap();
    let mut page = String::new();
    for file in set
        .file
        .iter()
        .filter(|file| file.package().starts_with("akashi."))
    {
        writeln!(page, "# {}", file.name()).unwrap();
        for service in &file.service {
            writeln!(page, "service {}", service.name()).unwrap();
            for method in &service.method {
                let stream = |yes| if yes { "stream " } else { "" };
                let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                let (who, bytes) = find(&path).map_or_else(
                    || ("replicas".to_owned(), "frame".to_owned()),
                    |rpc| (format!("{:?}", rpc.roles), limit(rpc.flow, rpc.bytes_max)),
                );
                writeln!(
                    page,
                    "  {}({}{}) -> {}{}  by {who}, at most {bytes}",
                    method.name(),
                    stream(method.client_streaming()),
                    short(method.input_type()),
                    stream(method.server_streaming()),
                    short(method.output_type()),
                )
                .unwrap();
            }
        }
        for list in &file.enum_type {
            writeln!(page, "enum {}", list.name()).unwrap();
            for value in &list.value {
                writeln!(page, "  {} = {}", value.name(), value.number()).unwrap();
            }
        }
        for message in &file.message_type {
            say(&mut page, message);
        }
        page.push('\n');
    }
    expect_file!["../../../tests/golden/api/surface.txt"].assert_eq(&page);
}

fn limit(flow: Flow, bytes_max: usize) -> String {
    match flow {
        Flow::Unary | Flow::Answers => format!("{bytes_max} bytes"),
        Flow::Both => "the largest message".to_owned(),
    }
}

fn say(page: &mut String, message: &DescriptorProto) {
    writeln!(page, "message {}", message.name()).unwrap();
    assert!(
        message.nested_type.is_empty() && message.enum_type.is_empty(),
        "a message inside another has no line here"
    );
    for field in &message.field {
        let choice = match field.oneof_index {
            Some(index) if !field.proto3_optional() => {
                let at = usize::try_from(index).unwrap();
                format!("  of {}", message.oneof_decl[at].name())
            }
            Some(_) => "  optional".to_owned(),
            None => String::new(),
        };
        let many = if field.label() == Label::Repeated {
            "repeated "
        } else {
            ""
        };
        writeln!(
            page,
            "  {} = {}: {many}{}{choice}",
            field.name(),
            field.number(),
            kind(field)
        )
        .unwrap();
    }
}

fn kind(field: &FieldDescriptorProto) -> &str {
    match field.r#type() {
        Type::Bool => "bool",
        Type::Bytes => "bytes",
        Type::String => "string",
        Type::Uint32 => "uint32",
        Type::Uint64 => "uint64",
        Type::Message | Type::Enum => short(field.type_name()),
        other => panic!("{other:?} is not used in this language"),
    }
}

fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
