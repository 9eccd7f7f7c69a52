//! Words that hint at sensitive personal information (敏感个人信息), so that a group that holds it is not published by oversight.
//!
//! A hint, not a verdict: `category: ordinary` answers it. The categories are those of the Personal Information Protection Law,
//! art. 28, as far as shops tag them.

use super::Category;
use crate::name;

/// Words, and what they hint at. Chinese words count anywhere; English ones at the beginning of a word.
const WORDS: &[(Category, &[&str])] = &[
    (
        Category::Health,
        &[
            "糖尿",
            "高血压",
            "血糖",
            "血脂",
            "疾病",
            "病史",
            "病人",
            "患者",
            "慢性病",
            "癌",
            "肿瘤",
            "怀孕",
            "孕妇",
            "孕期",
            "备孕",
            "抑郁",
            "艾滋",
            "乙肝",
            "用药",
            "处方",
            "残疾",
            "过敏",
            "体检",
            "diabet",
            "disease",
            "pregnan",
            "cancer",
            "hiv",
            "depress",
            "patient",
            "medical",
            "illness",
            "allerg",
            "disab",
        ],
    ),
    (
        Category::Finance,
        &[
            "银行卡",
            "存款",
            "负债",
            "贷款",
            "征信",
            "收入",
            "工资",
            "月薪",
            "年薪",
            "loan",
            "debt",
            "salary",
            "income",
            "bankcard",
            "bankrupt",
            "creditscore",
        ],
    ),
    (
        Category::Minors,
        &["未成年", "儿童", "小学生", "幼儿", "14岁", "十四岁", "underage", "minor", "kindergart"],
    ),
];

/// The first of some names that sounds sensitive: its place, the word in it and the category.
pub(super) fn hint<'a>(names: impl Iterator<Item = &'a str>) -> Option<(usize, &'static str, Category)> {
    names.enumerate().find_map(|(place, name)| {
        let folded = name::fold(name);
        let sounds = |word: &str| {
            if word.is_ascii() {
                folded
                    .split(|symbol: char| !symbol.is_ascii_alphanumeric())
                    .any(|part| part.starts_with(word))
            } else {
                folded.contains(word)
            }
        };
        let (category, word) = WORDS.iter().find_map(|(category, words)| {
            words.iter().find(|word| sounds(word)).map(|word| (*category, *word))
        })?;
        Some((place, word, category))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_hint_at_a_category() {
        for (name, category) in [
            ("糖尿病", Some(Category::Health)),
            ("early-Pregnancy", Some(Category::Health)),
            ("ＨＩＶ", Some(Category::Health)),
            ("月薪三万", Some(Category::Finance)),
            ("home_loan", Some(Category::Finance)),
            ("儿童餐", Some(Category::Minors)),
            ("loyal", None),
            ("sloan", None),
            ("重辣", None),
        ] {
            assert_eq!(hint([name].into_iter()).map(|(_, _, category)| category), category, "{name}");
        }
    }
}
