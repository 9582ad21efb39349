//! Signatures made by OpenSSL that must verify, and others, and keys, that must not.

use super::{EcdsaKey, RsaKey, RsaPadding};

/// Of the keys below, over this.
const MESSAGE: &[u8] = b"message";

#[test]
fn rsa_signatures_verify_with_their_own_padding_alone() {
    let pss = RsaKey::from_pem(RSA_2048, RsaPadding::Pss).unwrap();
    let pkcs1 = RsaKey::from_pem(RSA_2048, RsaPadding::Pkcs1v15).unwrap();
    for (what, key, signature, valid) in [
        ("pss", &pss, PSS, true),
        ("pkcs1", &pkcs1, PKCS1, true),
        ("pkcs1 as pss", &pss, PKCS1, false),
        ("pss as pkcs1", &pkcs1, PSS, false),
        ("a shorter salt", &pss, PSS_SALT_20, false),
        ("another digest", &pss, PSS_SHA512, false),
        ("cut", &pss, &PSS[2..], false),
        ("nothing", &pss, "", false),
        ("nothing", &pkcs1, "", false),
        ("one", &pkcs1, &format!("{}01", "00".repeat(255)), false),
    ] {
        assert_eq!(key.verify(MESSAGE, &hex::decode(signature).unwrap()), valid, "{what}");
    }
    assert!(!pss.verify(b"massage", &hex::decode(PSS).unwrap()));
    assert_eq!(pss.identity(), pkcs1.identity(), "one key, whatever its scheme");
}

#[test]
fn a_short_rsa_key_verifies_nothing() {
    let weak = RsaKey::from_pem(RSA_1024, RsaPadding::Pss).unwrap();
    assert!(!weak.verify(MESSAGE, &hex::decode(PSS_1024).unwrap()));
}

#[test]
fn ecdsa_signatures_that_are_none_are_refused() {
    let key = EcdsaKey::from_pem(P256).unwrap();
    let verify = |signature: &str| key.verify(MESSAGE, &hex::decode(signature).unwrap());
    assert!(verify(ECDSA));
    // The same numbers with s mirrored: OpenSSL makes either.
    assert!(verify(MIRRORED));
    assert!(!key.verify(b"massage", &hex::decode(ECDSA).unwrap()));
    let trailing = format!("{ECDSA}00");
    for (what, signature) in [
        ("not DER", ECDSA_RAW),
        ("with a byte more", &trailing),
        ("cut", &ECDSA[..ECDSA.len() - 2]),
        ("empty", ""),
        (
            "r is 0",
            "302502010002202f23582b79648d5824b522e85184784a050cecfdbe7ac201397ddf5ca6efb1b9",
        ),
        (
            "s is 0",
            "30250220089c9c448a10c0f7a470c3f2b637fcda04cbc080abed5fa94593c83adbccce0e020100",
        ),
        ("both are 0", "3006020100020100"),
        (
            "r is the order",
            "3045022100ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc63255102202f23582b79648d5824b522e85184784a050cecfdbe7ac201397ddf5ca6efb1b9",
        ),
        (
            "s is the order",
            "30450220089c9c448a10c0f7a470c3f2b637fcda04cbc080abed5fa94593c83adbccce0e022100ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        ),
        (
            "r is over the order",
            "3045022101089c9c438a10c0f8a470c3f2b637fcd9c1b2bb2e5304fe2e394d92fdd82ff35f02202f23582b79648d5824b522e85184784a050cecfdbe7ac201397ddf5ca6efb1b9",
        ),
        ("both are 1", "3006020101020101"),
    ] {
        assert!(!verify(signature), "{what}");
    }
}

#[test]
fn keys_of_other_kinds_are_no_keys() {
    for (what, pem) in [
        ("another curve", P384),
        ("the curve of coins", K1),
        ("off the curve", OFF_CURVE),
        ("RSA", RSA_2048),
        ("nothing", ""),
        ("cut", &P256[..80]),
    ] {
        assert!(EcdsaKey::from_pem(pem).is_none(), "{what}");
    }
    for (what, pem) in [("a curve", P256), ("nothing", ""), ("cut", &RSA_2048[..80])] {
        assert!(RsaKey::from_pem(pem, RsaPadding::Pss).is_none(), "{what}");
    }
    let private = P256.replace("PUBLIC", "PRIVATE");
    assert!(EcdsaKey::from_pem(&private).is_none());
}

#[test]
fn white_space_around_a_key_does_not_make_another_one() {
    let key = EcdsaKey::from_pem(P256).unwrap();
    for text in [
        P256.trim().to_owned(),
        P256.replace('\n', "\r\n"),
        format!("\n{P256}\n"),
    ] {
        assert_eq!(
            EcdsaKey::from_pem(&text).unwrap().identity(),
            key.identity(),
            "{text:?}"
        );
    }
}

const RSA_2048: &str = "\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAnpEQdE5MYATpKh90noNK
hMabC91sjI6XrjrTiKxRZjb+98zQWe1oSOlvp9wTqkYLoIi894A6ocKYUnaAmExF
eVOR6HcvoDDzpk//yLp6h+s3o2bIR3swqrlwJz/3zxvc5zritc6pqDaPa+v/rzMI
LdeAI4fgFbAMDO3P96oBvui1WBkJ6qcxy3wRIUlL7b0CoCn5WUQq7K9QF1wt2cdU
5ah36MpvDB7tdms+I3TXDNbHwAtnkHT2wYzsVdhkTInEJ95oqJA45R1KPVpAVYbF
i6arz4RN1oaO3m24irwbszBoDRcP42U7lDRmTfuC9AWOQ82XlK1DQsvZ/vFiB//z
HwIDAQAB
-----END PUBLIC KEY-----
";
const PSS: &str = "\
4eab5110a754111a30f85cfb863c4397e1c7943a943c3efc681ac57fddb1dfdc8f9c1aa450b66ce30bb605b6d03d9d621766\
3832831e48808ceffca85d2489535d54ba17772ae1642f6f9eb92f4b6169bab22d088bcd7cd4bf07182a4c206c74805f2038\
ddf5157de107889a41f6b256eafcefec162278a44a5980fe6a6a8e8a48ed900ee990f4c3d8401a5794dcd144b22bc1031e42\
4f322eef66bd2163268f1c9d778b4b41f71b2eb5eab129e9f3b0d7e4e6b2788655af992d67b7f3d4a0ae1d8fa7104f59c210\
0026bfa89530544fed9e60e86520ec8cfd78608cf25717368e62cebf1857d7e318ddd3c535768587c0a4e7466285aeab2a29\
394dd46063a9";
const PSS_SALT_20: &str = "\
31ba5a16b8cb97d123257becc0109a828b67b53385d862ea986dbb3e6392ecf3462653cb3b8f1e0efe40a7afe5d94a474539\
f34018ed09bec3855f7f1b9090b88f40697ec54f2afb5c1c301b3ea61596b30194d8ed1317ac6775fff3c38b5a26d20eb469\
390b91cbdc919af0e570ef9c5f5ab897a0c1264a67ca58e2ce1c6c23962628a88655a8998eb0cfd2b2b85ccd6d4d19f6d46b\
8968d3f827670bd7e71073a2e7f9d6a454c3d95bbe0eb9f4d8004ce43ee0339c24aa826abf049a29e9827c770189481270e1\
07016a64b174b73365748852eae0c8cda7dd6a1411bc49f3c1023c36d13839b655d31d1604d1f059fa23e3e1dcfc0c02f14a\
5d2c8870c7cc";
const PSS_SHA512: &str = "\
27e09fbd40f4b0aa65a60f5a361c00e126a9511cb9a6bc435b46d3ee448e31ae9373a85ca4f51287c457cc70028f2da5044a\
8247ee696d744262c6ae6f2b1ca3542b0568c10b2aedddfc4272aae8f089aaa2f266d61c5a941574b7f7e8cfd28b6aa49f36\
36bf45f894bf6f5471fe633f54a1939695cda69f98553a8a11da298a1d1918b9195cd52204b111dc1c444409245041d23486\
67a0a674d14f5b8549957400a06860acfd90e45fb3fc03972a862a9eae713746b090f90ec1d3dbb0e7b437e5c046eed370c8\
0fac61351d7ac2ca5674ad686aff5aa15b74627d47bfe9580a178f652cec29b43eeb3032d8f8c5dc6fdc27745f71da38498d\
c999fb43527d";
const PKCS1: &str = "\
5a8936b0b5388d8caf08aa0b0fba2a41666fcd3b5b5f494058f01b311315870218de2639264e993134f1a67eefb69ab6f5e0\
6620ebb862eb0d2e0cf0c9a62a563252ba08e002fce1622c5e4ba6ffcf0aecf8abde055ac5a998c4521f4b457b366eaf16d1\
5339ebae1622030718421d7f6bee8ab51a62b552d18c2e3af011d483b87f09922f2d5c32f240269bfc43b273edf80ecdffe5\
71c3b3d3a589645eb3c55ed4ead3a71ead291b064402402d7f48749ce9fe396a6d334cec711e5a0aa33272163ec3a04c8654\
0dbcfadb32b72020e71ecc970e8c6559ad109d3332900238952d47f25bb2ebd41350731fccae6553f0e00db50ffdc1fa32af\
19d7a17f99b3";
const RSA_1024: &str = "\
-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDDi9nZL2PX7XYKo84/n8XEUSR3
RhLIUE6EUttKKCoMWHazIEoLzsaqCn3jFBAd2WXPwqGuPQ+TMRvDpuUa4OCT46gg
zQ4KW0AqZh5zioZvRbA4cU+2ga5/4TDGjXwfwdcBm+RY+Bsf4jWgClv5PxqSSP9g
BiLqNswM/ZdYA+wYuwIDAQAB
-----END PUBLIC KEY-----
";
const PSS_1024: &str = "\
7417bab025ab61305da29c4f5707562fc24a2f5843bccb1455dcf9e69f6eb475976da683913bfd5a2ae11ec4f4aef82f61d1\
dfe785937344bfd796311a7e1e06e555d99a77020a1f44f7572f2cd3cd1454aacefe416569c6885283e398302ac9726ea885\
07713d0c35f04902fa5d046dfd112e20bfa77792f3bcfa55d39e60df";
const P256: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEWkMzEJ4VJSrrVq8wdsNHnNa3NFc8
DeqmSWYgsrbESYaDTukg7RAl3K+4rmbBL6drtHX1jv37KKHfYXUQHyy9TQ==
-----END PUBLIC KEY-----
";
const ECDSA: &str = "\
30440220089c9c448a10c0f7a470c3f2b637fcda04cbc080abed5fa94593c83adbccce0e02202f23582b79648d5824b522e8\
5184784a050cecfdbe7ac201397ddf5ca6efb1b9";
const ECDSA_RAW: &str = "\
089c9c448a10c0f7a470c3f2b637fcda04cbc080abed5fa94593c83adbccce0e2f23582b79648d5824b522e85184784a050c\
ecfdbe7ac201397ddf5ca6efb1b9";
const P384: &str = "\
-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEjG74PEr4v4KHdY8Vy+hyXywvkHgD5SD8
spXguH6QjA4dmImfTVIlSqoQpO1Ufes2UUqJ05gEdCV7Ta1rnusHOFJVA38QkAqm
8gbqqK8WPguHmgrNii0m3h+dyrHtTxzn
-----END PUBLIC KEY-----
";
const K1: &str = "\
-----BEGIN PUBLIC KEY-----
MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAE1C8DT52BK1Orh35PzP6LPZ5LLzDlJAPk
h1LwiwIIq1rh1Nc4na9b+QXj3wZH+W10GcqjWSkSjWa/Z1USLiQICQ==
-----END PUBLIC KEY-----
";
const OFF_CURVE: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEWkMzEJ4VJSrrVq8wdsNHnNa3NFc8
DeqmSWYgsrbESYaDTukg7RAl3K+4rmbBL6drtHX1jv37KKHfYXUQHyy9TA==
-----END PUBLIC KEY-----
";
const MIRRORED: &str = "\
30450220089c9c448a10c0f7a470c3f2b637fcda04cbc080abed5fa94593c83adbccce0e022100d0dca7d3869b72a8db4add17ae7b87b5b7da0dafe89cdc83ba3beb6655737398";
