//! Names of people as they are common in Bihar, in Devanagari and Latin script. Put together at random; nobody is meant.

use super::random::Random;

/// Devanagari and Latin.
type Name = (&'static str, &'static str);

#[rustfmt::skip]
const MEN: &[Name] = &[
    ("अभिषेक", "Abhishek"), ("अजय", "Ajay"), ("अखिलेश", "Akhilesh"), ("अमरेंद्र", "Amarendra"), ("अमित", "Amit"), ("अनिल", "Anil"),
    ("अरविंद", "Arvind"), ("अशोक", "Ashok"), ("बबलू", "Bablu"), ("बिनोद", "Binod"), ("चंदन", "Chandan"), ("दीपक", "Deepak"),
    ("धर्मेंद्र", "Dharmendra"), ("दिलीप", "Dilip"), ("दिनेश", "Dinesh"), ("गौतम", "Gautam"), ("गणेश", "Ganesh"), ("हरेंद्र", "Harendra"),
    ("जितेंद्र", "Jitendra"), ("कमलेश", "Kamlesh"), ("कृष्ण", "Krishna"), ("ललन", "Lallan"), ("मनीष", "Manish"), ("मनोज", "Manoj"),
    ("मुकेश", "Mukesh"), ("मुन्ना", "Munna"), ("नरेश", "Naresh"), ("नवीन", "Navin"), ("पंकज", "Pankaj"), ("प्रमोद", "Pramod"),
    ("राजेश", "Rajesh"), ("राकेश", "Rakesh"), ("रंजीत", "Ranjit"), ("रवि", "Ravi"), ("संजय", "Sanjay"), ("संतोष", "Santosh"),
    ("शंभू", "Shambhu"), ("शिवनाथ", "Shivnath"), ("सुबोध", "Subodh"), ("सुधीर", "Sudhir"), ("सुनील", "Sunil"), ("सुरेश", "Suresh"),
    ("उमेश", "Umesh"), ("उपेंद्र", "Upendra"), ("विकास", "Vikas"), ("विजय", "Vijay"), ("विवेक", "Vivek"), ("रामबाबू", "Rambabu"),
];

#[rustfmt::skip]
const WOMEN: &[Name] = &[
    ("अंजलि", "Anjali"), ("अंजू", "Anju"), ("अर्चना", "Archana"), ("आरती", "Aarti"), ("आशा", "Asha"), ("बबीता", "Babita"), ("बेबी", "Baby"),
    ("चंपा", "Champa"), ("गीता", "Geeta"), ("गुड़िया", "Gudiya"), ("इंदु", "Indu"), ("ज्योति", "Jyoti"), ("कल्पना", "Kalpana"), ("कंचन", "Kanchan"),
    ("किरण", "Kiran"), ("कुमुद", "Kumud"), ("ललिता", "Lalita"), ("मालती", "Malti"), ("मंजू", "Manju"), ("ममता", "Mamta"), ("मीना", "Meena"),
    ("मीरा", "Meera"), ("मुन्नी", "Munni"), ("नीलम", "Neelam"), ("निशा", "Nisha"), ("नूतन", "Nutan"), ("पिंकी", "Pinki"), ("पूजा", "Pooja"),
    ("प्रियंका", "Priyanka"), ("पुष्पा", "Pushpa"), ("राधा", "Radha"), ("रेखा", "Rekha"), ("रिंकू", "Rinku"), ("रीना", "Reena"), ("रूबी", "Ruby"),
    ("संगीता", "Sangeeta"), ("सरिता", "Sarita"), ("सीमा", "Seema"), ("शांति", "Shanti"), ("शोभा", "Shobha"), ("सोनी", "Soni"), ("सुमन", "Suman"),
    ("सुनीता", "Sunita"), ("सुशीला", "Sushila"), ("स्वाति", "Swati"), ("उर्मिला", "Urmila"), ("उषा", "Usha"), ("विभा", "Vibha"),
];

#[rustfmt::skip]
const FAMILIES: &[Name] = &[
    ("सिंह", "Singh"), ("प्रसाद", "Prasad"), ("यादव", "Yadav"), ("पासवान", "Paswan"), ("शर्मा", "Sharma"), ("मिश्रा", "Mishra"), ("झा", "Jha"),
    ("ठाकुर", "Thakur"), ("साह", "Sah"), ("गुप्ता", "Gupta"), ("राम", "Ram"), ("मांझी", "Manjhi"), ("महतो", "Mahto"), ("मंडल", "Mandal"),
    ("राय", "Rai"), ("चौधरी", "Choudhary"), ("पांडेय", "Pandey"), ("तिवारी", "Tiwari"), ("सिन्हा", "Sinha"), ("वर्मा", "Verma"),
    ("पटेल", "Patel"), ("कुशवाहा", "Kushwaha"), ("सहनी", "Sahani"), ("दास", "Das"), ("रजक", "Rajak"), ("उपाध्याय", "Upadhyay"),
];

/// What a woman may be called in place of a family's name.
const WOMEN_ALSO: &[Name] = &[("देवी", "Devi"), ("कुमारी", "Kumari"), ("कुमारी", "Kumari"), ("सिन्हा", "Sinha")];

#[rustfmt::skip]
const MUSLIM_MEN: &[Name] = &[
    ("मोहम्मद आरिफ", "Mohammad Arif"), ("मोहम्मद इरफान", "Mohammad Irfan"), ("मोहम्मद नसीम", "Mohammad Naseem"), ("अब्दुल", "Abdul"),
    ("अफरोज", "Afroz"), ("अहमद", "Ahmad"), ("आफताब", "Aftab"), ("असलम", "Aslam"), ("फिरोज", "Firoz"), ("गुलाम", "Ghulam"),
    ("इम्तियाज", "Imtiyaz"), ("जावेद", "Javed"), ("कमाल", "Kamal"), ("नौशाद", "Naushad"), ("परवेज", "Parvez"), ("रिजवान", "Rizwan"),
    ("सरफराज", "Sarfaraz"), ("शाहिद", "Shahid"), ("शमीम", "Shamim"), ("तनवीर", "Tanvir"),
];

#[rustfmt::skip]
const MUSLIM_WOMEN: &[Name] = &[
    ("आयशा", "Ayesha"), ("फरजाना", "Farzana"), ("हसीना", "Haseena"), ("जरीना", "Zarina"), ("नाजनीन", "Naznin"), ("नसरीन", "Nasreen"),
    ("रजिया", "Razia"), ("रुखसाना", "Rukhsana"), ("सबीना", "Sabina"), ("शबनम", "Shabnam"), ("शाहीन", "Shaheen"), ("तबस्सुम", "Tabassum"),
];

#[rustfmt::skip]
const MUSLIM_FAMILIES: &[Name] = &[
    ("अंसारी", "Ansari"), ("आलम", "Alam"), ("खान", "Khan"), ("हुसैन", "Hussain"), ("अख्तर", "Akhtar"), ("सिद्दीकी", "Siddiqui"),
    ("राईन", "Rain"), ("मंसूरी", "Mansuri"), ("हाशमी", "Hashmi"),
];

const MUSLIM_WOMEN_ALSO: &[Name] = &[("खातून", "Khatoon"), ("परवीन", "Parveen"), ("बेगम", "Begum")];

/// The name of a person.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) hindi: String,
    pub(super) english: String,
    /// Whether Urdu is a likely language.
    pub(super) may_prefer_urdu: bool,
}

impl Person {
    /// A name for a woman or a man.
    pub(super) fn at_random(random: &mut Random, woman: bool) -> Self {
        let muslim = random.in_thousand(150);
        let (first, families, also) = match (muslim, woman) {
            (false, false) => (MEN, FAMILIES, None),
            (false, true) => (WOMEN, FAMILIES, Some(WOMEN_ALSO)),
            (true, false) => (MUSLIM_MEN, MUSLIM_FAMILIES, None),
            (true, true) => (MUSLIM_WOMEN, MUSLIM_FAMILIES, Some(MUSLIM_WOMEN_ALSO)),
        };
        let first = random.of(first);
        let last = match also {
            Some(also) if random.in_thousand(700) => random.of(also),
            _ => random.of(families),
        };
        let middle = if !muslim && !woman { random.of(&[(" कुमार", " Kumar"), ("", "")]) } else { ("", "") };
        Self {
            hindi: [first.0, middle.0, " ", last.0].concat(),
            english: [first.1, middle.1, " ", last.1].concat(),
            may_prefer_urdu: muslim,
        }
    }
}
