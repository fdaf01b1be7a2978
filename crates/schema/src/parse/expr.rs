//! Expressions: C operators with C precedence.

use super::Parser;
use crate::ast::{BinaryOp, Expr, UnaryOp};
use crate::error::Error;
use crate::scan::Token;

/// Deepest nesting, and most operators and operands of one expression: a bound on the reader's stack.
const MOST_DEPTH: u32 = 32;
const MOST_NODES: u32 = 200;

impl Parser<'_> {
    /// An expression that is not part of another one.
    pub(super) fn whole_expr(&mut self) -> Result<Expr, Error> {
        let depth = std::mem::take(&mut self.depth);
        self.nodes = 0;
        let expr = self.binary(0);
        self.depth = depth;
        expr
    }

    /// Operators that bind at least as tightly as `level`.
    fn binary(&mut self, level: u8) -> Result<Expr, Error> {
        let mut left = self.unary()?;
        while let Some(op) = self.operator(level)? {
            self.scan.next()?;
            self.nodes += 1;
            self.bound(self.nodes, MOST_NODES)?;
            let right = self.binary(op.level() + 1)?;
            left = Expr::Binary(op, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn operator(&mut self, level: u8) -> Result<Option<BinaryOp>, Error> {
        Ok(match self.scan.peek()? {
            Token::Sign(sign) => {
                BinaryOp::ALL.into_iter().find(|op| op.sign() == *sign && op.level() >= level)
            }
            _ => None,
        })
    }

    fn unary(&mut self) -> Result<Expr, Error> {
        self.depth += 1;
        self.nodes += 1;
        self.bound(self.depth, MOST_DEPTH)?;
        self.bound(self.nodes, MOST_NODES)?;
        let expr = self.operand()?;
        self.depth -= 1;
        Ok(expr)
    }

    fn operand(&mut self) -> Result<Expr, Error> {
        let expected = "an expression";
        let token = match self.scan.peek()? {
            token @ (Token::Name(_) | Token::Number(_)) => token.clone(),
            token @ Token::Sign("!" | "-" | "~" | "*" | "." | "(") => token.clone(),
            _ => return self.scan.unexpected(expected),
        };
        self.scan.next()?;
        Ok(match token {
            Token::Number(number) => Expr::Number(i128::from(number)),
            Token::Sign("!") => Expr::Unary(UnaryOp::Not, Box::new(self.unary()?)),
            Token::Sign("-") => Expr::Unary(UnaryOp::Negate, Box::new(self.unary()?)),
            Token::Sign("~") => Expr::Unary(UnaryOp::Complement, Box::new(self.unary()?)),
            Token::Sign("*") => Expr::Deref(self.scan.name("the name of a pointer argument")?.to_owned()),
            Token::Sign(".") => Expr::Member(self.scan.name("the name of a member")?.to_owned()),
            Token::Sign(_) => {
                let inner = self.binary(0)?;
                self.scan.expect(")", "')' or an operator")?;
                inner
            }
            Token::Name("ret") => Expr::Ret,
            Token::Name("err") => Expr::Err,
            Token::Name("interrupted") => Expr::Interrupted,
            Token::Name("old") => Expr::Old(Box::new(self.unary()?)),
            Token::Name("min") => {
                let (a, b) = self.pair()?;
                Expr::Min(a, b)
            }
            Token::Name("max") => {
                let (a, b) = self.pair()?;
                Expr::Max(a, b)
            }
            Token::Name("sizeof") => {
                self.scan.expect("(", "'('")?;
                let ty = self.ty()?;
                self.scan.expect(")", "')'")?;
                Expr::SizeOf(ty)
            }
            Token::Name(name) => Expr::Name(name.to_owned()),
            Token::Text(_) | Token::EndOfLine | Token::End => return self.scan.unexpected(expected),
        })
    }

    fn pair(&mut self) -> Result<(Box<Expr>, Box<Expr>), Error> {
        self.scan.expect("(", "'('")?;
        let a = self.binary(0)?;
        self.scan.expect(",", "','")?;
        let b = self.binary(0)?;
        self.scan.expect(")", "')'")?;
        Ok((Box::new(a), Box::new(b)))
    }
}
