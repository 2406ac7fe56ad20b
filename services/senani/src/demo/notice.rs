//! Step 4, first: what the members were told before they consented.

use senani_client::Channel;
use senani_proto::membership::v1::notice_service_client::NoticeServiceClient;
use senani_proto::membership::v1::{Notice, PublishNoticeRequest, Purpose};

use crate::client::told;

/// The notice that the generated members consented to.
pub(super) const VERSION: &str = "demo-notice-1";

const TEXT_HI: &str = "साइबर सेनानी आपका नाम, मोबाइल नंबर, थाना, वर्ग, लिंग और भाषा रखता है, ताकि आप थाने के समूह में रहें और \
                       बुलेटिन सीधे पाएँ। किसी और काम के लिए नहीं। सहमति आप कभी भी, उतनी ही आसानी से, वापस ले सकते हैं: अपने \
                       समूह के अभिरक्षक या थाने से कहें। वहीं आप सुधार, मिटाना या शिकायत भी माँग सकते हैं।";

const TEXT_EN: &str = "Cyber Senani keeps your name, mobile number, station, category, gender and language, so that you are in \
                       your station's group and receive the bulletin directly. Nothing else is done with them. You may withdraw \
                       your consent at any time, as easily as you gave it: tell the custodian of your group or your station. \
                       There you may also ask for a correction or erasure, or complain.";

/// Publishes the notice, unless an earlier run did.
pub(super) async fn publish(channel: &Channel) -> anyhow::Result<()> {
    let texts = |hi: &str, en: &str| [("hi".to_owned(), hi.to_owned()), ("en".to_owned(), en.to_owned())].into();
    let notice = Notice {
        titles: texts("सदस्यों के लिए सूचना", "Notice to members"),
        texts: texts(TEXT_HI, TEXT_EN),
        purposes: vec![Purpose::DirectMessages.into(), Purpose::Membership.into()],
        ..Notice::default()
    };
    let request =
        PublishNoticeRequest { notice: Some(notice), notice_id: VERSION.to_owned(), request_id: String::new() };
    match NoticeServiceClient::new(channel.clone()).publish_notice(request).await {
        Ok(_) => println!("   notice {VERSION} published, in Hindi and English"),
        Err(status) if senani_error::reason_of(&status).as_deref() == Some("SLUG_TAKEN") => {}
        Err(status) => return Err(told(&status)),
    }
    Ok(())
}
